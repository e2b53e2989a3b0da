package kms

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// key is what is kept of a key.
type key struct {
	Account, Region, ID string
	Created             time.Time
	Description         string
	Usage, Spec, State  string
	Manager             string // CUSTOMER or AWS
	MultiRegion         bool
	Deletion            *time.Time
	Policy              string
	Tags                []api.Tag
	Rotates             bool
	Period              int64     // days between automatic rotations
	Rotated             time.Time // when automatic rotation was enabled, or last rotated the key
	Rotations           []rotation
	Material            [][]byte // sealed; symmetric: one for each rotation, the newest last. Else a PKCS #8 private key, or a MAC key.
}

// rotation is a change of a key's material.
type rotation struct {
	At       time.Time
	OnDemand bool
}

// due is when the key rotates automatically next.
func (k *key) due() time.Time { return k.Rotated.Add(time.Duration(k.Period) * 24 * time.Hour) }

// alias names a key. Its record's key is account, region and name.
type alias struct {
	Name, Key        string
	Created, Changed time.Time
}

var (
	keys    = store.NewTable[key]("kms_keys")
	aliases = store.NewTable[alias]("kms_aliases")
	grants  = store.NewTable[grant]("kms_grants")
)

func (k *key) arn() string { return "arn:aws:kms:" + k.Region + ":" + k.Account + ":key/" + k.ID }

func (k *key) put(tx *store.Tx) error { return keys.Put(tx, *k, k.Account, k.Region, k.ID) }

// gone says whether the waiting period of a deletion has passed.
func (k *key) gone(now time.Time) bool { return k.Deletion != nil && !now.Before(*k.Deletion) }

// usable is nil where the key can be used for cryptographic operations.
func (k *key) usable() error {
	switch k.State {
	case api.KeyStateDisabled:
		return api.DisabledException("%s is disabled.", k.arn())
	case api.KeyStatePendingDeletion:
		return k.pending()
	}
	return nil
}

func (k *key) pending() *awserr.Error {
	return api.KMSInvalidStateException("%s is pending deletion.", k.arn())
}

var idPattern = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)

// find finds a key by id, ARN, alias or alias ARN.
func (s *Service) find(tx *store.Tx, c bus.Caller, id string) (*key, error) {
	account, region, name := c.Account, c.Region, id
	if a, ok := bus.ParseARN(id); ok {
		if a.Service != "kms" {
			return nil, api.InvalidArnException("Invalid arn %s", id)
		}
		if a.Region != c.Region {
			return nil, api.NotFoundException("Invalid arn %s", a.Region)
		}
		account, region, name = a.Account, a.Region, strings.TrimPrefix(a.Resource, "key/")
	}
	if strings.HasPrefix(name, "alias/") {
		a, ok, err := aliases.Get(tx, account, region, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, noAlias("arn:aws:kms:" + region + ":" + account + ":" + name)
		}
		name = a.Key
	}
	if !idPattern.MatchString(name) {
		return nil, api.NotFoundException("Invalid keyId '%s'", id)
	}
	k, ok, err := keys.Get(tx, account, region, name)
	if err == nil && (!ok || k.gone(s.Clock.Now())) {
		err = noKey("arn:aws:kms:" + region + ":" + account + ":key/" + name)
	}
	return &k, err
}

// managed says which service an alias of a key that AWS manages belongs to.
func managed(id string) (service string, ok bool) {
	if a, isARN := bus.ParseARN(id); isARN {
		id = a.Resource
	}
	service, ok = strings.CutPrefix(id, "alias/aws/")
	return service, ok && strings.Contains(managedServices, " "+service+" ")
}

// managedServices are the services whose AWS managed keys there are; a key is
// made when it is first asked for.
const managedServices = " acm backup dynamodb ebs elasticfilesystem es glue kinesis lambda rds redshift s3 secretsmanager sns sqs ssm xray "

// look reads a key.
func (s *Service) look(ctx context.Context, id string) (k *key, err error) {
	read := func(tx *store.Tx) error {
		k, err = s.find(tx, bus.From(ctx), id)
		return err
	}
	if err = s.Store.View(ctx, read); err == nil {
		return k, nil
	}
	service, ok := managed(id)
	if !ok || awserr.From(err) == nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if k, err = s.find(tx, bus.From(ctx), id); awserr.From(err) == nil {
			return err
		}
		k, err = s.makeManaged(tx, bus.From(ctx), service)
		return err
	})
	return k, err
}

func (s *Service) makeManaged(tx *store.Tx, c bus.Caller, service string) (*key, error) {
	material, err := s.material(api.KeySpecSymmetricDefault)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	k := &key{Account: c.Account, Region: c.Region, ID: s.IDs.UUID(), Created: now, Manager: api.KeyManagerTypeAws,
		Description: "Default key that protects my " + service + " data when no other key is defined", Usage: api.KeyUsageTypeEncryptDecrypt,
		Spec: api.KeySpecSymmetricDefault, State: api.KeyStateEnabled, Policy: defaultPolicy(c.Account), Rotates: true, Period: 365, Rotated: now, Material: [][]byte{material}}
	if err := k.put(tx); err != nil {
		return nil, err
	}
	return k, aliases.Put(tx, alias{Name: "alias/aws/" + service, Key: k.ID, Created: now, Changed: now}, c.Account, c.Region, "alias/aws/"+service)
}

// change changes a key that the caller may change.
func (s *Service) change(ctx context.Context, id string, f func(*store.Tx, *key) error) (k *key, err error) {
	err = s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if k, err = s.find(tx, bus.From(ctx), id); err != nil {
			return err
		}
		if k.Manager == api.KeyManagerTypeAws {
			return awserr.New(400, "AccessDeniedException", "%s is an AWS managed key: it cannot be changed", k.arn())
		}
		if err := f(tx, k); err != nil {
			return err
		}
		return k.put(tx)
	})
	return k, err
}

// defaultPolicy is the policy of a key made without one.
func defaultPolicy(account string) string {
	return "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n    \"Sid\" : \"Enable IAM User Permissions\",\n" +
		"    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n      \"AWS\" : \"arn:aws:iam::" + account + ":root\"\n    },\n" +
		"    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}"
}

func checkPolicy(policy *string) error {
	if policy == nil {
		return nil
	}
	var doc struct{ Statement any }
	if err := json.Unmarshal([]byte(*policy), &doc); err != nil || doc.Statement == nil {
		return api.MalformedPolicyDocumentException("The policy is not a valid JSON policy document.")
	}
	return nil
}
