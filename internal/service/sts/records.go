package sts

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"stepwell/internal/awsapi/sts"
	"stepwell/internal/store"
	"stepwell/internal/wire/sigv4"
)

// session is a set of temporary credentials.
type session struct {
	AccessKey     string
	Secret, Token string `json:"-"`
	Sealed        []byte // Secret, a line feed, Token
	Account       string
	Principal     string
	UserID        string // as GetCallerIdentity tells it
	Expires       time.Time
}

// sessions are the sessions by access key.
var sessions = store.NewTable[session]("sts_sessions")

func (s *Service) session(ctx context.Context, accessKey string) (r session, ok bool, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		r, ok, err = sessions.Get(tx, accessKey)
		return err
	})
	if err != nil || !ok {
		return r, false, err
	}
	plain, err := s.unseal(r.Sealed)
	if err != nil {
		return r, false, err
	}
	r.Secret, r.Token, _ = strings.Cut(string(plain), "\n")
	return r, true, nil
}

// grant keeps new credentials for a principal and returns them as AWS does.
func (s *Service) grant(ctx context.Context, account, principal, userID string, seconds int64) (*sts.Credentials, error) {
	key := sigv4.AccessKeyID(temporaryPrefix, account, s.random(10))
	r := session{
		AccessKey: key, Secret: s.text(30), Token: tokenPrefix + s.text(240),
		Account: account, Principal: principal, UserID: userID,
		Expires: s.now().UTC().Truncate(time.Second).Add(time.Duration(seconds) * time.Second),
	}
	sealed, err := s.seal([]byte(r.Secret + "\n" + r.Token))
	if err != nil {
		return nil, err
	}
	r.Sealed = sealed
	purge := s.purgeDue()
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if purge {
			if err := s.removeExpired(tx); err != nil {
				return err
			}
		}
		return sessions.Put(tx, r, key)
	})
	if err != nil {
		return nil, err
	}
	return &sts.Credentials{AccessKeyId: &key, SecretAccessKey: &r.Secret, SessionToken: &r.Token, Expiration: &r.Expires}, nil
}

// purgeDue says, once an hour, that expired sessions are to be removed.
func (s *Service) purgeDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Sub(s.purged) < time.Hour {
		return false
	}
	s.purged = s.now()
	return true
}

// removeExpired removes the sessions that ended over a day ago; until then
// their users are told that the token has expired.
func (s *Service) removeExpired(tx *store.Tx) error {
	all, err := sessions.List(tx)
	if err != nil {
		return err
	}
	before := s.now().Add(-24 * time.Hour)
	for _, r := range all {
		if r.Expires.Before(before) {
			if _, err := sessions.Delete(tx, r.AccessKey); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	temporaryPrefix = "ASIA" // of access keys
	tokenPrefix     = "IQoJb3JpZ2luX2Vj"
)

// text is random text of n bytes in base64.
func (s *Service) text(n int) string { return base64.StdEncoding.EncodeToString(s.random(n)) }

func (s *Service) random(n int) []byte {
	b, err := hex.DecodeString(s.ids.Hex(n))
	if err != nil {
		panic("bus.IDs.Hex is not hexadecimal: " + err.Error())
	}
	return b
}
