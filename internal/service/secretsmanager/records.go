package secretsmanager

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"math/big"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var (
	secrets = store.NewTable[secret]("secretsmanager_secrets") // account, region, name
	values  = store.NewTable[value]("secretsmanager_values")   // ARN, version id
)

// secret is a secret without its values.
type secret struct {
	ARN, Name       string
	Account, Region string
	Description     *string   `json:",omitempty"`
	KmsKeyID        *string   `json:",omitempty"`
	Type            *string   `json:",omitempty"`
	Tags            []api.Tag `json:",omitempty"`
	Policy          *string   `json:",omitempty"`
	Created         time.Time
	Changed         time.Time
	Accessed        time.Time          `json:",omitzero"` // day
	Deleted         time.Time          `json:",omitzero"` // when DeleteSecret was called
	Gone            time.Time          `json:",omitzero"` // when the recovery window ends
	Versions        map[string]version `json:",omitempty"`
	Rotation        *rotation          `json:",omitempty"`
}

// version is a version of a secret; one without stages is deprecated.
type version struct {
	Created  time.Time
	Accessed time.Time `json:",omitzero"` // day
	Stages   []string  `json:",omitempty"`
}

// value is what a version holds, sealed.
type value struct {
	Sealed []byte
	Binary bool `json:",omitempty"`
}

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"

	maxVersions = 100
	day         = 24 * time.Hour
)

// place is where a SecretId points: an account, a region and a name, or an ARN
// with or without its suffix.
type place struct {
	account, region, name, arn string
}

func locate(c bus.Caller, id string) place {
	a, ok := bus.ParseARN(id)
	name, isSecret := strings.CutPrefix(a.Resource, "secret:")
	if !ok || !isSecret || a.Service != "secretsmanager" {
		return place{account: c.Account, region: c.Region, name: id}
	}
	return place{account: a.Account, region: a.Region, name: name, arn: id}
}

// get finds the secret an id means, marked for deletion or not. An ARN may lack
// the hyphen and six characters at its end.
func (s *Service) get(tx *store.Tx, c bus.Caller, id string) (*secret, error) {
	p := locate(c, id)
	names := []string{p.name}
	if i := len(p.name) - 7; p.arn != "" && i > 0 && p.name[i] == '-' {
		names = []string{p.name[:i], p.name}
	}
	for _, name := range names {
		x, ok, err := secrets.Get(tx, p.account, p.region, name)
		if err != nil {
			return nil, err
		}
		if ok && !x.gone(s.Clock.Now()) && (p.arn == "" || strings.HasPrefix(x.ARN, p.arn)) {
			return &x, nil
		}
	}
	return nil, notFound()
}

// living finds a secret that is not marked for deletion.
func (s *Service) living(tx *store.Tx, c bus.Caller, id string) (*secret, error) {
	x, err := s.get(tx, c, id)
	if err == nil && !x.Deleted.IsZero() {
		return nil, marked()
	}
	return x, err
}

// change runs f on a living secret and keeps what it made of it.
func (s *Service) change(ctx context.Context, id string, f func(*store.Tx, *secret) error) (*secret, error) {
	var x *secret
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.living(tx, bus.From(ctx), id); err != nil {
			return err
		}
		if err := f(tx, x); err != nil {
			return err
		}
		return x.put(tx)
	})
	return x, err
}

func (x *secret) put(tx *store.Tx) error { return secrets.Put(tx, *x, x.Account, x.Region, x.Name) }

func (x *secret) gone(now time.Time) bool { return !x.Gone.IsZero() && !now.Before(x.Gone) }

// remove deletes a secret with its values.
func (x *secret) remove(tx *store.Tx) error {
	if err := values.DeleteAll(tx, x.ARN); err != nil {
		return err
	}
	_, err := secrets.Delete(tx, x.Account, x.Region, x.Name)
	return err
}

const suffixLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newARN is the name of a new secret: its six random characters keep a secret
// apart from an earlier one of the same name.
func newARN(c bus.Caller, name string) string {
	b := make([]byte, 6)
	for i := range b {
		b[i] = suffixLetters[random(len(suffixLetters))]
	}
	return c.ARN("secretsmanager", "secret:"+name+"-"+string(b))
}

// random is a number below n, without bias.
func random(n int) int {
	r, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand's Reader never fails
	}
	return int(r.Int64())
}

// staged returns the id of the version that carries the label, or "".
func (x *secret) staged(label string) string {
	for id, v := range x.Versions {
		if slices.Contains(v.Stages, label) {
			return id
		}
	}
	return ""
}

func (x *secret) attach(id, label string) {
	v := x.Versions[id]
	if !slices.Contains(v.Stages, label) {
		v.Stages = append(slices.Clone(v.Stages), label)
	}
	x.Versions[id] = v
}

func (x *secret) detach(id, label string) {
	v, ok := x.Versions[id]
	if !ok {
		return
	}
	v.Stages = slices.DeleteFunc(slices.Clone(v.Stages), func(l string) bool { return l == label })
	x.Versions[id] = v
}

// move gives the label to a version, taking it from the one that has it. The
// version that loses AWSCURRENT becomes AWSPREVIOUS.
func (x *secret) move(id, label string) {
	holder := x.staged(label)
	if holder == id {
		return
	}
	x.detach(holder, label)
	x.attach(id, label)
	if label == current {
		x.detach(id, previous)
		if holder != "" {
			x.detach(x.staged(previous), previous)
			x.attach(holder, previous)
		}
	}
}

// add makes a version, or returns quietly where the token made the same one
// before. Stages default to AWSCURRENT.
func (s *Service) add(tx *store.Tx, x *secret, token string, text *string, binary []byte, stages []string) error {
	plain := binary
	if text != nil {
		plain = []byte(*text)
	}
	_, filled, err := values.Get(tx, x.ARN, token)
	if err != nil {
		return err
	}
	if filled { // a version without a value is one that a rotation is to fill
		old, wasBinary, err := s.open(tx, x, token)
		if err == nil && (wasBinary != (text == nil) || !hmac.Equal(old, plain)) {
			return tokenUsed(token, x.ARN)
		}
		return err
	}
	sealed, err := s.Seal.Seal(plain, x.ARN+"|"+token)
	if err != nil {
		return err
	}
	if err := values.Put(tx, value{Sealed: sealed, Binary: text == nil}, x.ARN, token); err != nil {
		return err
	}
	now := s.Clock.Now()
	if x.Versions == nil {
		x.Versions = map[string]version{}
	}
	if len(stages) == 0 {
		stages = []string{current}
	}
	first := x.staged(current) == ""
	x.Versions[token] = version{Created: now}
	for _, label := range stages {
		x.move(token, label)
	}
	if first {
		x.move(token, current)
	}
	x.Changed = now
	return x.prune(tx, now)
}

// open returns the value of a version.
func (s *Service) open(tx *store.Tx, x *secret, id string) (plain []byte, binary bool, err error) {
	v, ok, err := values.Get(tx, x.ARN, id)
	if err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, noVersion(id)
	}
	plain, err = s.Seal.Open(v.Sealed, x.ARN+"|"+id)
	if err != nil {
		return nil, false, api.DecryptionFailure("Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	}
	return plain, v.Binary, nil
}

// prune removes the oldest deprecated versions past the hundredth, but none
// made in the last day.
func (x *secret) prune(tx *store.Tx, now time.Time) error {
	var old []string
	for id, v := range x.Versions {
		if len(v.Stages) == 0 && now.Sub(v.Created) > day {
			old = append(old, id)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return x.Versions[a].Created.Compare(x.Versions[b].Created) })
	for len(x.Versions) > maxVersions && len(old) > 0 {
		if _, err := values.Delete(tx, x.ARN, old[0]); err != nil {
			return err
		}
		delete(x.Versions, old[0])
		old = old[1:]
	}
	return nil
}
