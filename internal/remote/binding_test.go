package remote

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"example.com:5440,secret=etl", "host=example.com port=5440 secret=etl"},
		{"example.com secret=etl sslmode=require dbname=prod user=etl", "host=example.com dbname=prod user=etl secret=etl sslmode=require"},
		{"secret=arn:aws:secretsmanager:us-east-1:1:secret:etl-Ab", "secret=arn:aws:secretsmanager:us-east-1:1:secret:etl-Ab"},
		{"[::1]:5439,secret=etl,sslrootcert=/etc/ca.pem", "host=::1 port=5439 secret=etl sslrootcert=/etc/ca.pem"},
		{"example.com", "cannot bind a cluster without secret=NAME: its user and password are kept there"},
		{"example.com:0,secret=x", `cannot bind a cluster to port "0"`},
		{"secret=x sslmode=prefer", `cannot bind a cluster with sslmode "prefer": use verify-full, require or disable`},
		{"secret=x password=y", `cannot bind a cluster with "password": known are host, port, dbname, user, secret, sslmode, sslrootcert`},
	} {
		b, err := Parse(c.text)
		got := b.String()
		if err != nil {
			got = err.Error()
		} else if again, err := Parse(got); again != b || err != nil {
			t.Errorf("%s: reads back as %v, %v", c.text, again, err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestGuarded(t *testing.T) {
	for sql, want := range map[string]bool{
		"select 1": true, "/* a /* b */ c */ -- d\n (SELECT 1)": true, "with x as (select 1) select * from x": true, "Insert into t values (1)": true,
		"copy t from 's3://b/k' iam_role default": true, "create temp table t as select 1": true, "create table t (i int)": true,
		"create external table s.t (i int)": false, "create database d": false, "vacuum": false, "call p()": false, "truncate t": false,
		"drop table t": false, "commit": false, "": false, "/* open": false, "create": false, "1": false,
	} {
		if got := Guarded(sql); got != want {
			t.Errorf("%q: %v", sql, got)
		}
	}
}
