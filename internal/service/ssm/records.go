package ssm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// parameter is what all versions of a parameter share, and its newest version.
type parameter struct {
	Account, Region, Name string
	Created               time.Time
	Tags                  []api.Tag
	Oldest                int64            // the oldest version kept
	Labels                map[string]int64 // version by label
	Newest                version
}

// version is a version of a parameter. Value is sealed where Type is SecureString.
type version struct {
	Number      int64
	Type        string
	Value       []byte
	KeyID       *string
	Description *string
	Pattern     *string
	Tier        string
	DataType    string
	Modified    time.Time
	User        string // ARN
}

var (
	parameters = store.NewTable[parameter]("ssm_parameters")
	versions   = store.NewTable[version]("ssm_versions") // account, region, name, number with leading zeros
)

const maxVersions = 100

func number(n int64) string { return fmt.Sprintf("%012d", n) }

func (p *parameter) arn() string { return arn(p.Account, p.Region, p.Name) }

func arn(account, region, name string) string {
	return "arn:aws:ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
}

func (p *parameter) put(tx *store.Tx) error {
	return parameters.Put(tx, *p, p.Account, p.Region, p.Name)
}

func (p *parameter) remove(tx *store.Tx) error {
	if err := versions.DeleteAll(tx, p.Account, p.Region, p.Name); err != nil {
		return err
	}
	_, err := parameters.Delete(tx, p.Account, p.Region, p.Name)
	return err
}

// add makes v the newest version; the oldest goes when there are too many.
func (p *parameter) add(tx *store.Tx, v version) error {
	v.Number = p.Newest.Number + 1
	p.Newest = v
	if p.Oldest == 0 {
		p.Oldest = 1
	}
	if err := versions.Put(tx, v, p.Account, p.Region, p.Name, number(v.Number)); err != nil {
		return err
	}
	for ; v.Number-p.Oldest >= maxVersions; p.Oldest++ {
		if len(p.labels(p.Oldest)) > 0 {
			return api.ParameterMaxVersionLimitExceeded("You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. "+
				"Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
				p.Name, p.Oldest)
		}
		if _, err := versions.Delete(tx, p.Account, p.Region, p.Name, number(p.Oldest)); err != nil {
			return err
		}
	}
	return p.put(tx)
}

// labels are the labels of a version, sorted.
func (p *parameter) labels(n int64) []string {
	labels := []string{}
	for l, at := range p.Labels {
		if at == n {
			labels = append(labels, l)
		}
	}
	slices.Sort(labels)
	return labels
}

// find reads a parameter by its name or its ARN.
func find(tx *store.Tx, c bus.Caller, name string) (*parameter, error) {
	account, region, names := c.Account, c.Region, []string{name}
	if a, ok := bus.ParseARN(name); ok {
		rest, isParameter := strings.CutPrefix(a.Resource, "parameter/")
		if a.Service != "ssm" || !isParameter {
			return nil, badName()
		}
		account, region, names = a.Account, a.Region, []string{"/" + rest, rest}
	}
	for _, n := range names {
		p, ok, err := parameters.Get(tx, account, region, n)
		if err != nil || ok {
			return &p, err
		}
	}
	return nil, noParameter()
}

// change changes a parameter of the caller's.
func (s *Service) change(ctx context.Context, name string, missing *awserr.Error, f func(*store.Tx, *parameter) error) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		p, err := find(tx, bus.From(ctx), name)
		if missing != nil && awserr.From(err) != nil {
			return missing
		}
		if err != nil {
			return err
		}
		if err := f(tx, p); err != nil {
			return err
		}
		return p.put(tx)
	})
}

// selected reads the version that a name with a selector (name, name:version or
// name:label) means.
func selected(tx *store.Tx, c bus.Caller, name string) (p *parameter, v version, selector string, err error) {
	base := name
	if i := strings.LastIndexByte(name, ':'); i >= 0 && (!strings.HasPrefix(name, "arn:") || strings.Count(name, ":") > 5) {
		base, selector = name[:i], name[i:]
	}
	if p, err = find(tx, c, base); err != nil || selector == "" {
		if err == nil {
			v = p.Newest
		}
		return p, v, "", err
	}
	n, ok := p.Labels[selector[1:]]
	if asked, e := strconv.ParseInt(selector[1:], 10, 64); e == nil {
		n, ok = asked, asked >= p.Oldest && asked <= p.Newest.Number
	}
	if ok {
		v, ok, err = versions.Get(tx, p.Account, p.Region, p.Name, number(n))
	}
	if err == nil && !ok {
		err = noVersion(p.Name, selector[1:])
	}
	return p, v, selector, err
}
