{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='order_id') }}
select order_id, customer_id, amount, ordered_on, '{{ invocation_id }}'::varchar(64) as loaded_by
from {{ ref('stg_orders') }}
{% if is_incremental() %}
where ordered_on >= (select coalesce(max(ordered_on), '1900-01-01') from {{ this }})
{% endif %}
