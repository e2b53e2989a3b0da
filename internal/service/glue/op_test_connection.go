package glue

import (
	"context"
	"net"
	"net/url"
	"regexp"
	"strings"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
)

// testConnection opens the connection that is named, or described in the call.
func (s *Service) testConnection(ctx context.Context, r *glue.TestConnectionInput) (*glue.TestConnectionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.TestConnectionOutput{}
	switch {
	case r.ConnectionName != nil && r.TestConnectionInput != nil, r.ConnectionName == nil && r.TestConnectionInput == nil:
		return nil, glue.InvalidInputException("Exactly one of ConnectionName and TestConnectionInput is required.")
	case r.TestConnectionInput != nil:
		i := r.TestConnectionInput
		return out, s.tryConnection(ctx, glue.Connection{ConnectionType: i.ConnectionType, ConnectionProperties: i.ConnectionProperties})
	}
	var record connectionRecord
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		record, err = connection(tx, at, *r.ConnectionName)
		return err
	}); err != nil {
		return nil, err
	}
	if err := s.tryConnection(ctx, record.Connection); err != nil {
		return nil, err
	}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		record, err := connection(tx, at, *r.ConnectionName)
		if err != nil {
			return err
		}
		record.Connection.LastConnectionValidationTime = s.now()
		return connections.Put(tx, record, at.key(*r.ConnectionName)...)
	})
}

// tryConnection opens a TCP connection to each address of c.
func (s *Service) tryConnection(ctx context.Context, c glue.Connection) error {
	addresses, err := addressesOf(c)
	if err != nil {
		return err
	}
	defer s.Clock.Busy()()
	for _, a := range addresses {
		conn, err := s.Dial(ctx, "tcp", a)
		if err != nil {
			return glue.FederationSourceException("Unable to connect to %s: %v", a, err)
		}
		conn.Close()
	}
	return nil
}

// addressesOf returns the host:port pairs of a connection.
func addressesOf(c glue.Connection) ([]string, error) {
	switch kind := text(c.ConnectionType); kind {
	case glue.ConnectionTypeJdbc:
		return jdbcAddress(c.ConnectionProperties["JDBC_CONNECTION_URL"])
	case glue.ConnectionTypeKafka:
		return strings.Split(c.ConnectionProperties["KAFKA_BOOTSTRAP_SERVERS"], ","), nil
	case glue.ConnectionTypeMongodb:
		u, err := url.Parse(c.ConnectionProperties["CONNECTION_URL"])
		if err != nil || u.Hostname() == "" {
			return nil, glue.InvalidInputException("Invalid CONNECTION_URL.")
		}
		return []string{withPort(u.Host, "27017")}, nil
	case glue.ConnectionTypeNetwork:
		return nil, glue.InvalidInputException("Connection type NETWORK cannot be tested.")
	default:
		return nil, awserr.NotImplemented("glue:TestConnection for connections of type " + kind)
	}
}

// jdbcURL takes apart jdbc:<engine>://host:port/..., jdbc:sqlserver://host:port;...
// and jdbc:oracle:thin:@[//]host:port.
var jdbcURL = regexp.MustCompile(`^jdbc:([a-z0-9]+):(?:thin:)?(?:@)?(?://)?@?(\[[^\]]+\](?::\d+)?|[^:/;?]+(?::\d+)?)(?:[:/;?].*)?$`)

var jdbcPorts = map[string]string{
	"redshift": "5439", "postgresql": "5432", "mysql": "3306", "mariadb": "3306", "sqlserver": "1433", "oracle": "1521",
}

func jdbcAddress(u string) ([]string, error) {
	parts := jdbcURL.FindStringSubmatch(u)
	if parts == nil {
		return nil, glue.InvalidInputException("Invalid JDBC_CONNECTION_URL: %s", u)
	}
	port, known := jdbcPorts[parts[1]]
	if !known {
		return nil, awserr.NotImplemented("glue:TestConnection for jdbc:" + parts[1])
	}
	return []string{withPort(parts[2], port)}, nil
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
