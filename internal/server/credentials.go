package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	"stepwell/internal/bus"
	"stepwell/internal/gateway"
	"stepwell/internal/service/iam"
	"stepwell/internal/service/sts"
)

// keys are the access keys that the server knows beside those STS hands out:
// the configured ones, and one per account for the jobs it runs, whose secrets
// live as long as the process.
type keys struct {
	static []sts.StaticCredential

	mu   sync.Mutex
	jobs map[string]string // account -> secret
}

// credentials reads the --credentials flags.
func (o *Options) credentials() (*keys, error) {
	k := &keys{jobs: map[string]string{}}
	for _, text := range o.Credentials {
		parts := strings.Split(text, ":")
		if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
			return nil, fmt.Errorf("--credentials wants ACCESS_KEY:SECRET[:ACCOUNT]")
		}
		c := sts.StaticCredential{AccessKey: parts[0], Secret: parts[1]}
		if bus.IsAccount(c.AccessKey) {
			c.Account = c.AccessKey
		}
		if len(parts) == 3 {
			if c.Account = parts[2]; !bus.IsAccount(c.Account) {
				return nil, fmt.Errorf("--credentials: account %q is not 12 digits", c.Account)
			}
		}
		k.static = append(k.static, c)
	}
	return k, nil
}

// jobPrefix begins the access keys of jobs; the account follows.
const jobPrefix = "ASIAJOB0"

// forJob is the access key with which the jobs of an account call the server.
func (k *keys) forJob(_ context.Context, account string) (id, secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.jobs[account] == "" {
		k.jobs[account] = rand.Text()
	}
	return jobPrefix + account, k.jobs[account]
}

// credentialStore is what the gateway asks about an access key.
type credentialStore struct {
	keys *keys
	sts  *sts.Service
	iam  *iam.Service
}

func (c credentialStore) Lookup(ctx context.Context, accessKey string) (gateway.Credential, bool) {
	if account, ok := strings.CutPrefix(accessKey, jobPrefix); ok {
		c.keys.mu.Lock()
		defer c.keys.mu.Unlock()
		secret := c.keys.jobs[account]
		return gateway.Credential{Secret: secret, Account: account}, secret != ""
	}
	if known, ok := c.sts.Lookup(ctx, accessKey); ok {
		return gateway.Credential(known), true
	}
	known, ok := c.iam.Lookup(ctx, accessKey)
	return gateway.Credential{Secret: known.Secret, Account: known.Account, Principal: known.Principal}, ok
}
