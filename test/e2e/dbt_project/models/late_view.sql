{{ config(materialized='view', bind=False) }}
select country, sum(total) as total from {{ ref('customer_totals') }} group by country
