{% snapshot customers_history %}
{{ config(target_schema='snapshots', unique_key='id', strategy='timestamp', updated_at='updated_at') }}
select id, name, country, updated_at::timestamp as updated_at from {{ ref('customers') }}
{% endsnapshot %}
