package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"sync"

	"stepwell/internal/bus"
	"stepwell/internal/gateway"
	"stepwell/internal/service/iam"
	"stepwell/internal/service/sts"
)

// keys are the access keys that the server knows beside those STS hands out:
// the configured ones, and one per principal for the jobs and functions it runs,
// which live as long as the process.
type keys struct {
	static []sts.StaticCredential

	mu   sync.Mutex
	jobs map[string]gateway.Credential // by access key
}

// credentials reads the --credentials flags.
func (o *Options) credentials() (*keys, error) {
	k := &keys{jobs: map[string]gateway.Credential{}}
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

// jobPrefix begins the access keys of jobs and functions.
const jobPrefix = "ASIAJOB0"

// forJob is the access key with which a job or function calls the server as c.
func (k *keys) forJob(_ context.Context, c bus.Caller) (id, secret string) {
	sum := sha256.Sum256([]byte(c.Account + " " + c.Principal))
	id = jobPrefix + base32.StdEncoding.EncodeToString(sum[:])[:12]
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.jobs[id]; !there {
		k.jobs[id] = gateway.Credential{Secret: rand.Text(), Account: c.Account, Principal: c.Principal}
	}
	return id, k.jobs[id].Secret
}

// credentialStore is what the gateway asks about an access key.
type credentialStore struct {
	keys *keys
	sts  *sts.Service
	iam  *iam.Service
}

func (c credentialStore) Lookup(ctx context.Context, accessKey string) (gateway.Credential, bool) {
	if strings.HasPrefix(accessKey, jobPrefix) {
		c.keys.mu.Lock()
		defer c.keys.mu.Unlock()
		known, ok := c.keys.jobs[accessKey]
		return known, ok
	}
	if known, ok := c.sts.Lookup(ctx, accessKey); ok {
		return gateway.Credential(known), true
	}
	known, ok := c.iam.Lookup(ctx, accessKey)
	return gateway.Credential{Secret: known.Secret, Account: known.Account, Principal: known.Principal}, ok
}
