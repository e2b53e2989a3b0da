package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func byName(p inline, name string) int       { return cmp.Compare(p.Name, name) }
func byPolicyARN(p attached, arn string) int { return cmp.Compare(p.ARN, arn) }

// newIdentity makes what a new user, group or role has.
func (s *Service) newIdentity(ctx context.Context, kind, prefix, name string, path *string, tags []iam.Tag) (identity, error) {
	c := bus.From(ctx)
	kept, err := keptTags(c, tags)
	i := identity{Name: name, Path: orSlash(path), ID: s.id(prefix), Created: s.now(), Tags: kept}
	i.ARN = "arn:aws:iam::" + c.Account + ":" + kind + i.Path + name
	return i, err
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// view runs f on a user, group or role of the caller's account.
func (s *Service) view(ctx context.Context, kind, name string, f func(*identity) error) error {
	return s.store.View(ctx, func(tx *store.Tx) error {
		p, err := find(tx, bus.From(ctx).Account, kind, name)
		if err != nil {
			return err
		}
		return f(p.self())
	})
}

// change changes a user, group or role of the caller's account.
func (s *Service) change(ctx context.Context, kind, name string, f func(*store.Tx, *identity) error) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := find(tx, account, kind, name)
		if err != nil {
			return err
		}
		if r, ok := p.(*role); ok && r.Service != "" {
			return errProtected(r.Name)
		}
		if err := f(tx, p.self()); err != nil {
			return err
		}
		return p.put(tx, account)
	})
}

// inlineQuota are the sizes that the inline policies of an identity may have
// together, without white space ("IAM and AWS STS quotas").
var inlineQuota = map[string]int{"user": 2048, "group": 5120, "role": 10240}

// size is the size of a document as quotas count it.
func size(document string) (n int) {
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func (s *Service) putInline(ctx context.Context, kind, name, policyName, document string) error {
	if err := checkDocument(document, false); err != nil {
		return err
	}
	return s.change(ctx, kind, name, func(_ *store.Tx, id *identity) error {
		p := inline{policyName, document}
		if i, ok := slices.BinarySearchFunc(id.Inline, p.Name, byName); ok {
			id.Inline[i] = p
		} else {
			id.Inline = slices.Insert(id.Inline, i, p)
		}
		total := 0
		for _, p := range id.Inline {
			total += size(p.Document)
		}
		if limit := inlineQuota[kind]; total > limit {
			return iam.LimitExceededException("Maximum policy size of %d bytes exceeded for %s %s", limit, kind, id.Name)
		}
		return nil
	})
}

// getInline returns a document as answers carry it, and the identity's name.
func (s *Service) getInline(ctx context.Context, kind, name, policyName string) (of, document *string, err error) {
	err = s.view(ctx, kind, name, func(id *identity) error {
		i, ok := slices.BinarySearchFunc(id.Inline, policyName, byName)
		if !ok {
			return errNoInline(kind, policyName)
		}
		of, document = &id.Name, encoded(id.Inline[i].Document)
		return nil
	})
	return of, document, err
}

func (s *Service) deleteInline(ctx context.Context, kind, name, policyName string) error {
	return s.change(ctx, kind, name, func(_ *store.Tx, id *identity) error {
		i, ok := slices.BinarySearchFunc(id.Inline, policyName, byName)
		if !ok {
			return errNoInline(kind, policyName)
		}
		id.Inline = slices.Delete(id.Inline, i, i+1)
		return nil
	})
}

func (s *Service) listInline(ctx context.Context, kind, name string, marker *string, most *int64) (names []string, truncated *bool, next *string, err error) {
	err = s.view(ctx, kind, name, func(id *identity) error {
		name := func(p *inline) string { return p.Name }
		names, truncated, next, err = shown(id.Inline, name, name, marker, most)
		return err
	})
	return names, truncated, next, err
}

// awsManaged begins the ARNs of the policies that AWS manages.
const awsManaged = "arn:aws:iam::aws:policy/"

// maxAttached is how many managed policies an identity may have.
const maxAttached = 10

func (s *Service) attach(ctx context.Context, kind, name, arn string) error {
	account := bus.From(ctx).Account
	return s.change(ctx, kind, name, func(tx *store.Tx, id *identity) error {
		i, ok := slices.BinarySearchFunc(id.Attached, arn, byPolicyARN)
		if ok {
			return nil
		}
		if len(id.Attached) >= maxAttached {
			return errQuota("PoliciesPer"+strings.ToUpper(kind[:1])+kind[1:], maxAttached)
		}
		if err := countAttachment(tx, account, arn, 1); err != nil {
			return err
		}
		id.Attached = slices.Insert(id.Attached, i, attached{arn[strings.LastIndex(arn, "/")+1:], arn})
		return nil
	})
}

// countAttachment counts an identity more or less that a policy is attached to.
func countAttachment(tx *store.Tx, account, arn string, by int64) error {
	if strings.HasPrefix(arn, awsManaged) {
		return nil
	}
	p, ok, err := findPolicy(tx, account, arn)
	if err != nil {
		return err
	}
	if !ok {
		return errNotAttachable(arn)
	}
	p.Attachments += by
	return putPolicy(tx, account, p)
}

func (s *Service) detach(ctx context.Context, kind, name, arn string) error {
	account := bus.From(ctx).Account
	return s.change(ctx, kind, name, func(tx *store.Tx, id *identity) error {
		i, ok := slices.BinarySearchFunc(id.Attached, arn, byPolicyARN)
		if !ok {
			return errNoPolicy(arn)
		}
		id.Attached = slices.Delete(id.Attached, i, i+1)
		return countAttachment(tx, account, arn, -1)
	})
}

func (s *Service) listAttached(ctx context.Context, kind, name string, prefix, marker *string, most *int64) (shown []iam.AttachedPolicy, truncated *bool, next *string, err error) {
	shown = []iam.AttachedPolicy{}
	err = s.view(ctx, kind, name, func(id *identity) error {
		var under []attached
		for _, p := range id.Attached {
			if strings.HasPrefix(policyPath(p.ARN), orSlash(prefix)) {
				under = append(under, p)
			}
		}
		items, more, after, err := page(under, func(p *attached) string { return p.ARN }, marker, most)
		shown, truncated, next = attachedPolicies(items), more, after
		return err
	})
	return shown, truncated, next, err
}

func attachedPolicies(list []attached) []iam.AttachedPolicy {
	shown := []iam.AttachedPolicy{}
	for _, p := range list {
		shown = append(shown, iam.AttachedPolicy{PolicyName: &p.Name, PolicyArn: &p.ARN})
	}
	return shown
}

// policyPath is the path in the ARN of a managed policy.
func policyPath(arn string) string {
	_, path, _ := strings.Cut(arn, ":policy")
	return path[:strings.LastIndex(path, "/")+1]
}

// bound sets the permissions boundary of an identity; "" takes it away.
func (s *Service) bound(ctx context.Context, kind, name, arn string) error {
	account := bus.From(ctx).Account
	return s.change(ctx, kind, name, func(tx *store.Tx, id *identity) error {
		if id.Boundary == nil && arn == "" {
			return iam.NoSuchEntityException("Permissions boundary does not exist for %s %s", kind, id.Name)
		}
		return setBoundary(tx, account, id, arn)
	})
}

// setBoundary sets, changes or removes a permissions boundary and counts its use.
func setBoundary(tx *store.Tx, account string, id *identity, arn string) error {
	if id.Boundary != nil {
		if err := countBoundary(tx, account, *id.Boundary, -1); err != nil {
			return err
		}
		id.Boundary = nil
	}
	if arn == "" {
		return nil
	}
	id.Boundary = &arn
	return countBoundary(tx, account, arn, 1)
}

func countBoundary(tx *store.Tx, account, arn string, by int64) error {
	if strings.HasPrefix(arn, awsManaged) {
		return nil
	}
	p, ok, err := findPolicy(tx, account, arn)
	switch {
	case err != nil:
		return err
	case !ok && by < 0:
		return nil
	case !ok:
		return errNoBoundary(arn)
	}
	p.Boundaries += by
	return putPolicy(tx, account, p)
}

func shownBoundary(arn *string) *iam.AttachedPermissionsBoundary {
	if arn == nil {
		return nil
	}
	return &iam.AttachedPermissionsBoundary{PermissionsBoundaryArn: arn,
		PermissionsBoundaryType: new(iam.PermissionsBoundaryAttachmentTypePermissionsBoundaryPolicy)}
}

// bare refuses to delete an identity that has policies.
func (i *identity) bare() error {
	switch {
	case len(i.Attached) > 0:
		return errConflict("detach all policies")
	case len(i.Inline) > 0:
		return errConflict("delete policies")
	}
	return nil
}
