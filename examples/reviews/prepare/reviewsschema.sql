create external schema if not exists reviews_lake
from data catalog database 'reviews_lake'
iam_role default
create external database if not exists;

drop table if exists reviews_lake.raw_reviews;

create external table reviews_lake.raw_reviews (
  review_id varchar(16),
  product_title varchar(256),
  product_category varchar(256),
  review_body varchar(65535),
  sentiment smallint,
  helpful_votes int,
  review_date date)
partitioned by (year int, month int)
stored as parquet
location 's3://redshift-rawbucket-stepwell/reviews/';

create table if not exists public.reviews (
  review_id varchar(16) not null encode zstd,
  product_title varchar(256) encode zstd,
  product_category varchar(256) encode bytedict,
  review_body varchar(65535) encode lzo,
  sentiment smallint encode az64,
  helpful_votes int encode az64,
  review_date date,
  year int encode az64,
  month int encode az64,
  primary key (review_id))
diststyle key distkey (product_title)
compound sortkey (review_date, product_title);
