-- The load. Running it again changes nothing.

-- Items are a dimension of type 1: what was known is overwritten.
update item set i_product_name = s.product_name, i_category = s.category, i_price = s.price
  from stg_item s where item.i_item_id = s.item_id;

insert into item (i_item_id, i_product_name, i_category, i_price)
  select item_id, product_name, category, price from stg_item where item_id not in (select i_item_id from item);

-- Addresses are a dimension of type 2: the current row is closed, the new one begins the day after.
update customer_address set ca_valid_to = dateadd(day, -1, s.since)::date, ca_is_current = false
  from stg_customer_address s
  where ca_customer_id = s.customer_id and ca_is_current and (ca_city <> s.city or ca_country <> s.country);

insert into customer_address (ca_customer_id, ca_city, ca_country, ca_valid_from, ca_valid_to, ca_is_current)
  select s.customer_id, s.city, s.country, s.since, null, true
  from stg_customer_address s left join customer_address a on a.ca_customer_id = s.customer_id and a.ca_is_current
  where a.ca_customer_id is null;

-- Facts of the staged days are loaded anew.
delete from store_sales using date_dim
  where ss_date_sk = d_date_sk and d_date in (select sold_on from stg_store_sales);

insert into store_sales
  select s.ticket, d.d_date_sk, i.i_item_sk, c.c_customer_id, a.ca_address_sk, s.quantity, s.quantity * i.i_price
  from stg_store_sales s
  join date_dim d on d.d_date = s.sold_on
  join item i on i.i_item_id = s.item_id
  join customer c on c.c_customer_id = s.customer_id
  join customer_address a on a.ca_customer_id = s.customer_id and s.sold_on between a.ca_valid_from and nvl(a.ca_valid_to, '9999-12-31');

-- Validation: a check that does not hold divides by zero, which fails the batch.
select 1 / case when (select count(*) from store_sales) = (select count(*) from stg_store_sales) then 1 else 0 end as all_sales_loaded;

select 1 / case when (select count(*) from customer_address where ca_is_current) = (select count(distinct ca_customer_id) from customer_address) then 1 else 0 end as one_address_each;
