package rsql_test

import (
	"testing"

	"stepwell/internal/rsql"
)

// midSize is a query of the size of a median one of TPC-DS.
const midSize = `
with customer_total_return as (
  select sr_customer_sk as ctr_customer_sk, sr_store_sk as ctr_store_sk, sum(sr_return_amt) as ctr_total_return
  from store_returns, date_dim
  where sr_returned_date_sk = d_date_sk and d_year = 2000
  group by sr_customer_sk, sr_store_sk)
select top 100 c_customer_id, s_state, avg(ctr_total_return) over (partition by s_state order by c_customer_id rows unbounded preceding) as run,
  case when ctr_total_return > 100 then 'high' when ctr_total_return between 10 and 100 then 'mid' else 'low' end as band,
  decode(s_state, 'TN', 1, 'GA', 2, 0) as code, dateadd(day, 3, d_date) as later, count(*) / 2 as half
from customer_total_return ctr1
join store on s_store_sk = ctr1.ctr_store_sk
left join customer on ctr1.ctr_customer_sk = c_customer_sk
cross join date_dim d2
where ctr1.ctr_total_return > (select avg(ctr_total_return) * 1.2 from customer_total_return ctr2 where ctr1.ctr_store_sk = ctr2.ctr_store_sk)
  and s_state in ('TN', 'GA', 'CA') and d_date >= '1-1-2000' and c_customer_id like 'AAAA%'
group by c_customer_id, s_state, ctr_total_return, d_date
having count(*) > 1
order by c_customer_id, s_state desc`

func BenchmarkCompile(b *testing.B) {
	catalog := newCatalog()
	setup := `create table store_returns (sr_customer_sk int, sr_store_sk int, sr_return_amt decimal(7,2), sr_returned_date_sk int);
		create table date_dim (d_date_sk int, d_year int, d_date date);
		create table store (s_store_sk int, s_state char(2));
		create table customer (c_customer_sk int, c_customer_id char(16))`
	list, err := rsql.Parse(setup)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range list {
		if err := catalog.create(s.Tree); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		list, err := rsql.Parse(midSize)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rsql.Compile(list[0].Tree, catalog, rsql.Options{Text: midSize}); err != nil {
			b.Fatal(err)
		}
	}
}
