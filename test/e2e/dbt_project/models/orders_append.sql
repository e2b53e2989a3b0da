{{ config(materialized='incremental', incremental_strategy='append') }}
select order_id, current_date as loaded_on from {{ ref('stg_orders') }}
{% if is_incremental() %}
where order_id > (select max(order_id) from {{ this }})
{% endif %}
