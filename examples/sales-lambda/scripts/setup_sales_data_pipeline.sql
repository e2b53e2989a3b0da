-- The tables of the star schema, what they held before, and the changes that came in since.
-- The function splits a script at the semicolons that end a line; a script has at most 40 statements.

create table if not exists customer (
  c_customer_id varchar(16) not null, c_first_name varchar(20) encode zstd, c_last_name varchar(30) encode zstd,
  primary key (c_customer_id)) diststyle all sortkey (c_customer_id);

create table if not exists customer_address (
  ca_address_sk bigint identity(1, 1), ca_customer_id varchar(16) not null, ca_city varchar(60) encode zstd,
  ca_country varchar(60) encode zstd, ca_valid_from date not null, ca_valid_to date, ca_is_current boolean not null)
  diststyle all sortkey (ca_customer_id, ca_valid_from);

create table if not exists date_dim (
  d_date_sk int not null, d_date date not null, d_year smallint, d_month smallint, d_quarter smallint,
  d_weekday varchar(9), primary key (d_date_sk)) diststyle all sortkey (d_date_sk);

create table if not exists item (
  i_item_sk bigint identity(1, 1), i_item_id varchar(16) not null, i_product_name varchar(100) encode zstd,
  i_category varchar(50) encode bytedict, i_price decimal(7, 2) encode az64) diststyle all sortkey (i_item_id);

create table if not exists store_sales (
  ss_ticket bigint not null, ss_date_sk int not null sortkey, ss_item_sk bigint not null, ss_customer_id varchar(16) not null,
  ss_address_sk bigint not null, ss_quantity int not null, ss_amount decimal(12, 2) not null)
  diststyle key distkey (ss_item_sk);

delete from customer;

insert into customer values
  ('C1', 'Ada', 'Moreau'), ('C2', 'Rui', 'Lopes'), ('C3', 'Jana', 'Huber'), ('C4', 'Bram', 'Peeters');

delete from date_dim;

insert into date_dim
  select to_char(d, 'YYYYMMDD')::int, d, extract(year from d), extract(month from d), extract(quarter from d),
         trim(to_char(d, 'Day'))
  from (select date '2026-03-01' as d union all select date '2026-03-02' union all select date '2026-03-03') as days;

-- What the dimensions held before: only where they are new.
insert into item (i_item_id, i_product_name, i_category, i_price)
  select i, n, c, p
  from (select 'I1' as i, 'Lamp' as n, 'Home' as c, 19.90 as p union all select 'I2', 'Chair', 'Home', 74.50) as known
  where not exists (select 1 from item);

insert into customer_address (ca_customer_id, ca_city, ca_country, ca_valid_from, ca_valid_to, ca_is_current)
  select id, city, country, date '2026-01-01', null, true
  from (select 'C1' as id, 'Lyon' as city, 'France' as country union all select 'C2', 'Porto', 'Portugal'
        union all select 'C3', 'Graz', 'Austria') as known
  where not exists (select 1 from customer_address);

-- What came in: a new price and name, a new item, a customer who moved, a new one.
drop table if exists stg_item;

create table stg_item (item_id varchar(16), product_name varchar(100), category varchar(50), price decimal(7, 2)) diststyle all;

insert into stg_item values ('I2', 'Armchair', 'Home', 79.00), ('I3', 'Kettle', 'Kitchen', 32.00), ('I4', 'Mug', 'Kitchen', 6.25);

drop table if exists stg_customer_address;

create table stg_customer_address (customer_id varchar(16), city varchar(60), country varchar(60), since date) diststyle all;

insert into stg_customer_address values ('C1', 'Nantes', 'France', '2026-03-03'), ('C4', 'Ghent', 'Belgium', '2026-03-02');

drop table if exists stg_store_sales;

create table stg_store_sales (ticket bigint, sold_on date, item_id varchar(16), customer_id varchar(16), quantity int) diststyle even;

insert into stg_store_sales values
  (1, '2026-03-01', 'I1', 'C1', 2), (2, '2026-03-01', 'I2', 'C2', 1), (3, '2026-03-02', 'I1', 'C3', 5),
  (4, '2026-03-02', 'I3', 'C1', 1), (5, '2026-03-03', 'I2', 'C1', 2), (6, '2026-03-03', 'I4', 'C4', 12);
