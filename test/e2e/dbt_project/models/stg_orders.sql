select id as order_id, customer_id, amount, ordered_at::date as ordered_on
from {{ ref('orders') }}
