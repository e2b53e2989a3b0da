-- Replace what the table holds by what the files hold.
delete from public.reviews;

insert into public.reviews
select review_id, product_title, product_category, review_body, sentiment, helpful_votes, review_date, year, month
from reviews_lake.raw_reviews
where review_body is not null;

-- Some reviews come without a category: take that of the product's other reviews.
update public.reviews
set product_category = known.product_category
from (select product_title, min(product_category) as product_category
      from public.reviews where product_category <> '' group by product_title) as known
where reviews.product_title = known.product_title and reviews.product_category = '';

analyze public.reviews;
