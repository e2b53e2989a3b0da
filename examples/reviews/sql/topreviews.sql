unload ('
  select * from (
    select product_category, product_title, count(*) as reviews, sum(helpful_votes) as helpful_votes,
           avg(sentiment::decimal(5,2)) as average_sentiment
    from public.reviews
    group by product_category, product_title
    order by helpful_votes desc, product_title
    limit 100)
  order by helpful_votes desc, product_title')
to 's3://redshift-databucket-stepwell/topreviews/top_'
iam_role default
header delimiter '|' parallel off allowoverwrite manifest;
