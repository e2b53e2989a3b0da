package server

import (
	"fmt"
	"path/filepath"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/dynamodb"
	"stepwell/internal/bus"
	"stepwell/internal/diag"
	"stepwell/internal/forward"
	"stepwell/internal/lake"
)

// foreign are the models of services that are nowhere but elsewhere.
func foreign() []*awsapi.Model { return []*awsapi.Model{dynamodb.Model} }

// route reads where services are routed.
func (s *Server) route() error {
	var routes []forward.Route
	for _, text := range s.options.Route {
		r, err := forward.Parse(text)
		if err != nil {
			return err
		}
		if r.Endpoint == s.address.Endpoint {
			return fmt.Errorf("cannot route %s to this server", r.Service)
		}
		routes = append(routes, r)
		s.address.Routes = append(s.address.Routes, r.String())
	}
	models := append(Models(), foreign()...)
	for _, r := range routes {
		known, err := routable(models, r.Service)
		if err != nil {
			return err
		}
		if !known {
			s.log.Warn("a routed service is not known here: requests of clients are passed on, state machines cannot call it", "service", r.Service)
		}
	}
	var err error
	s.forward, err = forward.New(forward.Options{Routes: routes, Models: models, Env: forward.System(), Log: s.log})
	return err
}

// routable says whether a service that is to be routed is known here. One that is
// known by another name is a mistake.
func routable(models []*awsapi.Model, name string) (known bool, err error) {
	var names []string
	for _, m := range models {
		if m.Service == name {
			return true, nil
		}
		if id := strings.ToLower(strings.ReplaceAll(m.ServiceID, " ", "")); name == id || name == strings.ReplaceAll(m.Service, "-", "") {
			return false, fmt.Errorf("cannot route %q: its name here is %q", name, m.Service)
		}
		names = append(names, m.Service)
	}
	if name == "stepfunctions" {
		return false, fmt.Errorf("cannot route %q: its name here is %q", name, "states")
	}
	if near := diag.Nearest(name, names); near != "" && len(name) >= 8 { // ecs is no slip of ecr
		return false, fmt.Errorf("cannot route %q: there is no such service; did you mean %q?", name, near)
	}
	return false, nil
}

// register puts the services on the bus, those that are routed as what is
// answered elsewhere.
func (s *Server) register(tables []*bus.Service) {
	for _, table := range tables {
		if s.forward.Routed(table.Name) {
			table = s.forward.Table(table.Model)
		}
		s.bus.Register(table)
	}
	for _, m := range foreign() {
		if s.forward.Routed(m.Service) {
			s.bus.Register(s.forward.Table(m))
		}
	}
}

// objects are what the warehouse reads and writes: the files of this machine's
// S3, or copies where S3 is elsewhere.
func (s *Server) objects(local lake.Objects) (lake.Objects, error) {
	if !s.forward.Routed("s3") {
		return local, nil
	}
	var err error
	s.far, err = newFarObjects(s.bus, filepath.Join(s.options.DataDir, "s3-elsewhere"))
	return s.far, err
}
