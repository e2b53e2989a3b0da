package iam

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/wire/sigv4"
)

// keyPrefix begins the ids of access keys of users (IAM user guide, "Unique identifiers").
const keyPrefix = "AKIA"

// maxKeys is how many access keys a user may have.
const maxKeys = 2

// keysOf are the access keys of a user, by id.
func keysOf(tx *store.Tx, account, name string) ([]accessKey, error) {
	all, err := keys.List(tx)
	return slices.DeleteFunc(all, func(k accessKey) bool { return k.Account != account || !strings.EqualFold(k.User, name) }), err
}

func (s *Service) createAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	account := bus.From(ctx).Account
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	secret := base64.StdEncoding.EncodeToString(s.random(30))
	k := accessKey{ID: sigv4.AccessKeyID(keyPrefix, account, s.random(10)), Account: account, Status: iam.StatusTypeActive, Created: s.now()}
	if k.Sealed, err = s.seal([]byte(secret)); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, account, name)
		if err != nil {
			return err
		}
		mine, err := keysOf(tx, account, u.Name)
		if err != nil {
			return err
		}
		if len(mine) >= maxKeys {
			return errQuota("AccessKeysPerUser", maxKeys)
		}
		k.User = u.Name
		return keys.Put(tx, k, k.ID)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &iam.AccessKey{UserName: &k.User, AccessKeyId: &k.ID, Status: &k.Status, SecretAccessKey: &secret,
		CreateDate: &k.Created}}, nil
}

func (s *Service) listAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	account := bus.From(ctx).Account
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, account, name)
		if err != nil {
			return err
		}
		mine, err := keysOf(tx, account, u.Name)
		if err != nil {
			return err
		}
		out.AccessKeyMetadata, out.IsTruncated, out.Marker, err = shown(mine, func(k *accessKey) string { return k.ID }, func(k *accessKey) iam.AccessKeyMetadata {
			return iam.AccessKeyMetadata{UserName: &k.User, AccessKeyId: &k.ID, Status: &k.Status, CreateDate: &k.Created}
		}, in.Marker, in.MaxItems)
		return err
	})
}

// findKey finds an access key of a user, of any where name is "".
func findKey(tx *store.Tx, account, name, id string) (accessKey, error) {
	k, ok, err := keys.Get(tx, id)
	if err == nil && (!ok || k.Account != account || name != "" && !strings.EqualFold(k.User, name)) {
		err = iam.NoSuchEntityException("The Access Key with id %s cannot be found.", id)
	}
	return k, err
}

func (s *Service) updateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.UpdateAccessKeyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		k, err := findKey(tx, bus.From(ctx).Account, name, *in.AccessKeyId)
		if err != nil {
			return err
		}
		k.Status = *in.Status
		return keys.Put(tx, k, k.ID)
	})
}

func (s *Service) deleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteAccessKeyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		k, err := findKey(tx, bus.From(ctx).Account, name, *in.AccessKeyId)
		if err != nil {
			return err
		}
		_, err = keys.Delete(tx, k.ID)
		return err
	})
}

// getAccessKeyLastUsed tells whose a key is. When it was used is not recorded.
func (s *Service) getAccessKeyLastUsed(ctx context.Context, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	out := &iam.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: &iam.AccessKeyLastUsed{ServiceName: new("N/A"), Region: new("N/A")}}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		k, err := findKey(tx, bus.From(ctx).Account, "", *in.AccessKeyId)
		out.UserName = &k.User
		return err
	})
}

// Credential is what an access key stands for.
type Credential struct {
	Secret, Account string
	Principal       string // ARN of the user
}

// credentials are those of all active access keys, as the versions of their
// tables have them: the gateway asks with every request.
type credentials struct {
	version [2]int64
	byKey   map[string]Credential
}

// Lookup returns the credential of an active access key of a user; false when
// there is none.
func (s *Service) Lookup(ctx context.Context, id string) (Credential, bool) {
	version := [2]int64{keys.Version(s.store), users.Version(s.store)}
	known := s.credentials.Load()
	if known == nil || known.version != version {
		var err error
		if known, err = s.readCredentials(ctx, version); err != nil {
			return Credential{}, false
		}
		s.credentials.Store(known)
	}
	c, ok := known.byKey[id]
	return c, ok
}

func (s *Service) readCredentials(ctx context.Context, version [2]int64) (*credentials, error) {
	known := &credentials{version, map[string]Credential{}}
	return known, s.store.View(ctx, func(tx *store.Tx) error {
		all, err := keys.List(tx)
		if err != nil {
			return err
		}
		for _, k := range all {
			if k.Status != iam.StatusTypeActive {
				continue
			}
			u, ok, err := users.Get(tx, k.Account, strings.ToLower(k.User))
			if err != nil {
				return err
			}
			secret, err := s.unseal(k.Sealed)
			if !ok || err != nil {
				continue // nobody can sign with it
			}
			known.byKey[k.ID] = Credential{string(secret), k.Account, u.ARN}
		}
		return nil
	})
}
