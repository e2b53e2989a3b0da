package cloudformation

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// CallbackPath is where the URLs begin at which custom resources and wait
// handles answer: behind it stand an id and a secret.
const CallbackPath = "/_stepwell/cloudformation/"

// maxAnswer is the size of an answer ("Custom resource response objects"), in
// bytes.
const maxAnswer = 4096

// callbackID is the same for every attempt at the same request.
func callbackID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	id, err := uuid.FromBytes(sum[:16])
	if err != nil {
		return hex.EncodeToString(sum[:16])
	}
	return id.String()
}

// callback finds or makes the place where the answer to a request is put.
func (s *Service) callback(ctx context.Context, a *asked, id string) (c callback, err error) {
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		var ok bool
		if c, ok, err = callbacks.Get(tx, id); err != nil || ok {
			return err
		}
		st := a.run.stack
		c = callback{RequestID: id, Token: s.IDs.Hex(24), Account: st.Account, Region: st.Region, StackID: st.ID, LogicalID: a.record.LogicalID}
		return callbacks.Put(tx, c, id)
	})
	return c, err
}

func (s *Service) callbackURL(c *callback) string {
	return s.Endpoint + CallbackPath + c.RequestID + "/" + c.Token
}

// ServeHTTP takes the answers of custom resources and the signals of wait
// handles: PUT requests for CallbackPath.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.Clock.Busy()()
	id, token, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, CallbackPath), "/")
	if r.Method != http.MethodPut {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := http.StatusOK
	err = s.Store.Update(r.Context(), func(tx *store.Tx) error {
		c, ok, err := callbacks.Get(tx, id)
		if err != nil {
			return err
		}
		if !ok || subtle.ConstantTimeCompare([]byte(c.Token), []byte(token)) != 1 {
			status = http.StatusForbidden
			return nil
		}
		tx.AfterCommit(func() { s.wake(id) })
		if c.Handle {
			status, err = s.signalled(tx, &c, body)
			return err
		}
		if c.Answer == nil {
			c.Answer = body
			if !json.Valid(body) {
				c.Answer = fmt.Appendf(nil, `{"Status":"FAILED","Reason":"Invalid response: it is no JSON object"}`)
			}
			return callbacks.Put(tx, c, id)
		}
		return nil
	})
	if err != nil {
		s.Log.Error("cannot keep an answer", "id", id, "error", err)
		status = http.StatusServiceUnavailable
	}
	w.WriteHeader(status)
}

// await returns when done says so, the resource's operation is broken off, or
// limit has passed; late says which of the last two.
func (s *Service) await(ctx context.Context, a *asked, c clock.Clock, key string, limit time.Duration, done func() (bool, error)) (late bool, err error) {
	t := c.NewTimer(limit)
	defer t.Stop()
	for {
		next := s.changed(key)
		if ok, err := done(); ok || err != nil {
			return false, err
		}
		a.hold.release()
		late := false
		select {
		case <-next:
		case <-t.C():
			late = true
		case <-a.run.stop:
			err = errCancelled
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		a.hold.take()
		if late || err != nil {
			if ok, fault := done(); ok || fault != nil { // it may have come in the same moment
				return false, fault
			}
			return late, err
		}
	}
}

func askedBy(ctx context.Context) *asked { return ctx.Value(askedKey{}).(*asked) }

// generated is the name of something that has none of its own.
func generated(r *resource.Request) string { return r.StackName + "-" + r.LogicalID + "-" + r.Token }
