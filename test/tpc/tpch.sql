-- The tables of TPC-H as a Redshift warehouse declares them: types of the specification,
-- distribution and sort keys, primary keys (informational). Surrogate keys are
-- bigint, as the generator writes them.

create table customer (
  c_custkey bigint not null, c_name varchar(25), c_address varchar(40), c_nationkey integer, c_phone char(15), c_acctbal numeric(15,2), c_mktsegment
  char(10), c_comment varchar(117), primary key (c_custkey)
) diststyle key distkey (c_custkey) sortkey (c_custkey);

create table lineitem (
  l_orderkey bigint not null, l_partkey bigint, l_suppkey bigint, l_linenumber bigint not null, l_quantity numeric(15,2), l_extendedprice
  numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate date,
  l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44), primary key (l_orderkey, l_linenumber)
) diststyle key distkey (l_orderkey) compound sortkey (l_shipdate, l_orderkey);

create table nation (
  n_nationkey integer not null, n_name char(25), n_regionkey integer, n_comment varchar(152), primary key (n_nationkey)
) diststyle all sortkey (n_nationkey);

create table orders (
  o_orderkey bigint not null, o_custkey bigint, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), o_clerk
  char(15), o_shippriority integer, o_comment varchar(79), primary key (o_orderkey)
) diststyle key distkey (o_orderkey) compound sortkey (o_orderdate, o_orderkey);

create table part (
  p_partkey bigint not null, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), p_size integer, p_container char(10),
  p_retailprice numeric(15,2), p_comment varchar(23), primary key (p_partkey)
) diststyle key distkey (p_partkey) sortkey (p_partkey);

create table partsupp (
  ps_partkey bigint not null, ps_suppkey bigint not null, ps_availqty bigint, ps_supplycost numeric(15,2), ps_comment varchar(199), primary key
  (ps_partkey, ps_suppkey)
) diststyle key distkey (ps_partkey) sortkey (ps_partkey);

create table region (
  r_regionkey integer not null, r_name char(25), r_comment varchar(152), primary key (r_regionkey)
) diststyle all sortkey (r_regionkey);

create table supplier (
  s_suppkey bigint not null, s_name char(25), s_address varchar(40), s_nationkey integer, s_phone char(15), s_acctbal numeric(15,2), s_comment
  varchar(101), primary key (s_suppkey)
) diststyle all sortkey (s_suppkey);
