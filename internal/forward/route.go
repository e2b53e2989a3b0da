package forward

import (
	"fmt"
	"net/url"
	"strings"

	"stepwell/internal/awsapi"
)

// Route says where a service is answered, and as whom.
type Route struct {
	Service  string // as the bus names it, or the name in credential scopes for one that has no model here
	Profile  string // "" is the default chain: environment, AWS_PROFILE, [default]
	Region   string // "" is the profile's, else the caller's
	Endpoint string // URL; "" is AWS's public one
}

// String is the route as Parse takes it.
func (r Route) String() string {
	var parts []string
	for _, p := range [][2]string{{"profile", r.Profile}, {"region", r.Region}, {"endpoint", r.Endpoint}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if parts == nil {
		parts = []string{"aws"}
	}
	return r.Service + "=" + strings.Join(parts, ",")
}

// Parse reads SERVICE=aws or SERVICE=[profile=NAME][,region=NAME][,endpoint=URL].
func Parse(text string) (Route, error) {
	service, rest, ok := strings.Cut(text, "=")
	if !ok || service == "" || rest == "" {
		return Route{}, fmt.Errorf("cannot route %q: write SERVICE=profile=NAME,region=REGION[,endpoint=URL], or SERVICE=aws", text)
	}
	r := Route{Service: service}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "aws":
		case "profile":
			r.Profile = value
		case "region":
			r.Region = value
		case "endpoint":
			r.Endpoint = value
		default:
			return Route{}, fmt.Errorf("cannot route %s: %q is none of profile, region, endpoint", service, key)
		}
	}
	return r, r.check()
}

func (r Route) check() error {
	if r.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(r.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("cannot route %s: %q is no URL of an endpoint", r.Service, r.Endpoint)
	}
	return nil
}

// target is where and for what a request is signed.
type target struct {
	endpoint, region, service string
	bucket                    string // of a call to S3
}

// syncPrefix begins the host of operations of Step Functions that answer with
// the end of what they start.
var syncPrefix = map[string]bool{"StartSyncExecution": true, "TestState": true}

// target is the place of a service in a region. operation is "" where a request
// passes on without being read.
func (r Route) target(m *awsapi.Model, service, region, operation string) target {
	t := target{endpoint: r.Endpoint, region: region, service: service}
	prefix := service
	if m != nil {
		prefix, t.service = m.EndpointPrefix, m.SigningName
	}
	domain := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	// The model's global endpoints of S3 and STS are history: both have regions.
	global := m != nil && m.GlobalEndpoint != "" && service != "s3" && service != "sts"
	if global {
		t.region = "us-east-1"
	}
	switch {
	case r.Endpoint != "":
	case global:
		t.endpoint = "https://" + m.GlobalEndpoint
	case service == "states" && syncPrefix[operation]:
		t.endpoint = "https://sync-" + prefix + "." + region + domain
	default:
		t.endpoint = "https://" + prefix + "." + region + domain
	}
	return t
}
