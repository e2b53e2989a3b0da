-- The load as somebody broke it: the failing variant of the pipeline runs this.
insert into public.reviews (review_id) select no_such_column from reviews_lake.raw_reviews;
