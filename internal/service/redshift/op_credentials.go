package redshift

import (
	"context"
	"regexp"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var dbUser = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+.@-]{0,127}$`)

// GetClusterCredentials makes a temporary password for a database user.
func (s *Service) GetClusterCredentials(ctx context.Context, in *api.GetClusterCredentialsInput) (*api.GetClusterCredentialsOutput, error) {
	if !dbUser.MatchString(*in.DbUser) || strings.EqualFold(*in.DbUser, "public") {
		return nil, badValue("The parameter DbUser is not a valid user name: %s", *in.DbUser)
	}
	prefix := "IAM:"
	if is(in.AutoCreate) {
		prefix = "IAMA:"
	}
	cred := credential{Login: prefix + *in.DbUser, User: *in.DbUser, Database: text(in.DbName), Groups: in.DbGroups, AutoCreate: is(in.AutoCreate)}
	password, err := s.issue(ctx, in.ClusterIdentifier, in.DurationSeconds, &cred)
	if err != nil {
		return nil, err
	}
	return &api.GetClusterCredentialsOutput{DbUser: &cred.Login, DbPassword: &password, Expiration: &cred.Expires}, nil
}

// GetClusterCredentialsWithIAM makes a temporary password for the caller's own
// database user.
func (s *Service) GetClusterCredentialsWithIAM(ctx context.Context, in *api.GetClusterCredentialsWithIAMInput) (*api.GetClusterCredentialsWithIAMOutput, error) {
	login := iamUser(bus.From(ctx).Principal)
	cred := credential{Login: login, User: login, Database: text(in.DbName), AutoCreate: true}
	password, err := s.issue(ctx, in.ClusterIdentifier, in.DurationSeconds, &cred)
	if err != nil {
		return nil, err
	}
	return &api.GetClusterCredentialsWithIAMOutput{DbUser: &cred.Login, DbPassword: &password, Expiration: &cred.Expires,
		NextRefreshTime: new(cred.Expires)}, nil
}

// iamUser is the database user of an identity: IAM:user, IAMR:role.
func iamUser(principal string) string {
	arn, _ := bus.ParseARN(principal)
	kind, name, found := strings.Cut(arn.Resource, "/")
	switch {
	case !found:
		return "IAM:root"
	case kind == "assumed-role":
		role, _, _ := strings.Cut(name, "/")
		return "IAMR:" + role
	case kind == "role":
		return "IAMR:" + name[strings.LastIndexByte(name, '/')+1:]
	}
	return "IAM:" + name[strings.LastIndexByte(name, '/')+1:]
}

// issue keeps a credential of a cluster and returns its password.
func (s *Service) issue(ctx context.Context, id *string, duration *int64, cred *credential) (string, error) {
	c := bus.From(ctx)
	life := int64(900)
	if duration != nil {
		life = *duration
	}
	switch {
	case text(id) == "":
		return "", badCombination("Either ClusterIdentifier or CustomDomainName must be specified.")
	case life < 900 || life > 3600:
		return "", badValue("Invalid value %d for DurationSeconds. Must be between 900 and 3600", life)
	}
	now := s.Clock.Now()
	password := newSecret(120)
	cred.Expires, cred.Digest = now.Add(time.Duration(life)*time.Second), digest(password)
	return password, s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := s.get(tx, c.Account, c.Region, *id)
		if err != nil {
			return err
		}
		cred.Place = place{x.Account, x.Region, x.ID}
		old, err := credentials.List(tx, c.Account, c.Region, x.ID)
		if err != nil {
			return err
		}
		for _, o := range old {
			if now.Before(o.Expires) {
				continue
			}
			if _, err := credentials.Delete(tx, c.Account, c.Region, x.ID, o.Digest); err != nil {
				return err
			}
		}
		return credentials.Put(tx, *cred, c.Account, c.Region, x.ID, cred.Digest)
	})
}
