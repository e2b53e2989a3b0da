{% snapshot orders_history %}
{{ config(target_schema='snapshots', unique_key='id', strategy='check', check_cols=['amount']) }}
select id, customer_id, amount from {{ ref('orders') }}
{% endsnapshot %}
