{{ config(materialized='table', dist='customer_id', sort=['country', 'customer_id']) }}
select c.id as customer_id, c.name, c.country, count(o.order_id) as orders, coalesce(sum(o.amount), 0)::numeric(12, 2) as total
from {{ ref('customers') }} c
left join {{ ref('stg_orders') }} o on o.customer_id = c.id
group by 1, 2, 3
