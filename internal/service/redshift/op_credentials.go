package redshift

import (
	"context"
	"regexp"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
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
	cred := dbauth.Credential{Login: prefix + *in.DbUser, User: *in.DbUser, Database: text(in.DbName), Groups: in.DbGroups, AutoCreate: is(in.AutoCreate)}
	password, err := s.issue(ctx, in.ClusterIdentifier, in.DurationSeconds, &cred)
	if err != nil {
		return nil, err
	}
	return &api.GetClusterCredentialsOutput{DbUser: &cred.Login, DbPassword: &password, Expiration: &cred.Expires}, nil
}

// GetClusterCredentialsWithIAM makes a temporary password for the caller's own
// database user.
func (s *Service) GetClusterCredentialsWithIAM(ctx context.Context, in *api.GetClusterCredentialsWithIAMInput) (*api.GetClusterCredentialsWithIAMOutput, error) {
	login := dbauth.IAMUser(bus.From(ctx).Principal)
	cred := dbauth.Credential{Login: login, User: login, Database: text(in.DbName), AutoCreate: true}
	password, err := s.issue(ctx, in.ClusterIdentifier, in.DurationSeconds, &cred)
	if err != nil {
		return nil, err
	}
	return &api.GetClusterCredentialsWithIAMOutput{DbUser: &cred.Login, DbPassword: &password, Expiration: &cred.Expires,
		NextRefreshTime: new(cred.Expires)}, nil
}

// issue keeps a credential of a cluster and returns its password.
func (s *Service) issue(ctx context.Context, id *string, duration *int64, cred *dbauth.Credential) (password string, err error) {
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
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := s.get(tx, c.Account, c.Region, *id)
		if err != nil {
			return err
		}
		cred.Place = x.place()
		password, err = dbauth.Issue(tx, cred, s.Clock.Now(), time.Duration(life)*time.Second)
		return err
	})
	return password, err
}
