package cloudformation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"stepwell/internal/cfn"
	"stepwell/internal/store"
)

func decodeJSON(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(into)
}

// ref is what Ref of a resource gives. It is called with mu held.
func (r *run) ref(name string) (any, error) {
	rec := r.records[name]
	if rec == nil || rec.PhysicalID == "" {
		return nil, fmt.Errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
	}
	return rec.PhysicalID, nil
}

// attribute is what Fn::GetAtt gives. It is called with mu held.
func (r *run) attribute(name, attr string) (any, error) {
	rec := r.records[name]
	if rec == nil || rec.PhysicalID == "" {
		return nil, fmt.Errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
	}
	x, ok := rec.Attributes[attr]
	switch {
	case ok:
		return x, nil
	case open(r.s.typeOf(rec.Type)):
		return nil, fmt.Errorf("CustomResource attribute error: Vendor response doesn't contain %s attribute in object %s", attr, rec.PhysicalID)
	case rec.Type == stackType:
		return nil, fmt.Errorf("Template format error: Output %s not found in stack %s", attr, rec.PhysicalID)
	}
	return nil, fmt.Errorf("Attribute '%s' does not exist", attr)
}

// importValue is what another stack exports. It is called with mu held.
func (r *run) importValue(name string) (value string, err error) {
	err = r.s.Store.View(r.ctx, func(tx *store.Tx) error {
		x, ok, err := exports.Get(tx, r.stack.Account, r.stack.Region, name)
		if err == nil && !ok {
			err = fmt.Errorf("No export named %s found.", name)
		}
		value = x.Value
		return err
	})
	if err == nil {
		r.imports[name] = true
	}
	return value, err
}

// wanted is what the template says of a resource, and its properties as events
// show them.
func (r *run) wanted(res *cfn.Resource) (v version, shown string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v = version{Type: res.Type, OnDelete: res.DeletionPolicy, OnReplace: res.UpdateReplacePolicy, Needs: r.template.Needs(res), Tags: properties{}}
	for k, t := range r.stack.Spec.Tags {
		v.Tags[k] = t
	}
	if v.Properties, err = r.eval.Properties(res); err != nil {
		return v, "", err
	}
	if res.Metadata != nil {
		x, err := r.eval.Value(res.Metadata)
		if err != nil {
			return v, "", err
		}
		v.Metadata, _ = x.(map[string]any)
	}
	show := map[string]any(v.Properties)
	if r.masked != r.eval {
		if show, err = r.masked.Properties(res); err != nil {
			return v, "", err
		}
	}
	if len(show) == 0 {
		return v, "", nil
	}
	b, err := json.Marshal(show)
	return v, string(b), err
}

// outputs evaluates the template's outputs.
func (r *run) outputs() ([]output, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []output
	for _, o := range r.template.Outputs {
		is, err := r.eval.Holds(o.Condition)
		if err != nil {
			return nil, err
		}
		if !is {
			continue
		}
		out := output{Key: o.Name, Description: o.Description}
		if out.Value, err = r.eval.Text(o.Value); err != nil {
			return nil, err
		}
		if out.Value, err = r.plain(out.Value); err != nil {
			return nil, err
		}
		if o.Export != nil {
			if out.Export, err = r.eval.Text(o.Export); err != nil {
				return nil, err
			}
		}
		list = append(list, out)
	}
	return list, nil
}

// publish puts a stack's exports in the place of those it has; reason is why
// they cannot be.
func (s *Service) publish(tx *store.Tx, st *stack, outputs []output) (reason string, err error) {
	next := map[string]string{}
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		next[o.Export] = o.Value
		old, ok, err := exports.Get(tx, st.Account, st.Region, o.Export)
		if err != nil {
			return "", err
		}
		if ok && old.StackID != st.ID {
			return fmt.Sprintf("Export with name %s is already exported by stack %s.", o.Export, old.StackName), nil
		}
	}
	list, err := exportsOf(tx, st)
	if err != nil {
		return "", err
	}
	for _, old := range list {
		now, there := next[old.Name]
		if there && now == old.Value {
			continue
		}
		users, err := importers(tx, st, old.Name)
		if err != nil {
			return "", err
		}
		if len(users) > 0 {
			return fmt.Sprintf("Export %s cannot be %s as it is in use by %s", old.Name, map[bool]string{true: "updated", false: "deleted"}[there], users[0]), nil
		}
		if _, err := exports.Delete(tx, st.Account, st.Region, old.Name); err != nil {
			return "", err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(next)) {
		x := export{Name: name, Value: next[name], StackID: st.ID, StackARN: st.ARN, StackName: st.Name}
		if err := exports.Put(tx, x, st.Account, st.Region, name); err != nil {
			return "", err
		}
	}
	return "", nil
}

// exportsOf are the exports of a stack.
func exportsOf(tx *store.Tx, st *stack) (mine []export, err error) {
	all, err := exports.List(tx, st.Account, st.Region)
	for _, x := range all {
		if x.StackID == st.ID {
			mine = append(mine, x)
		}
	}
	return mine, err
}

// importers are the names of other stacks that import an export.
func importers(tx *store.Tx, st *stack, name string) (list []string, err error) {
	users, err := imports.List(tx, st.Account, st.Region, name)
	for _, u := range users {
		if u.ID != st.ID {
			list = append(list, u.Name)
		}
	}
	return list, err
}

// keepImports records what the stack imports.
func (r *run) keepImports(tx *store.Tx, st *stack) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := dropImports(tx, st, r.imports); err != nil {
		return err
	}
	for name := range r.imports {
		if err := imports.Put(tx, named{st.Name, st.ID}, st.Account, st.Region, name, st.ID); err != nil {
			return err
		}
	}
	return nil
}

// dropImports forgets what the stack imports, but for some.
func dropImports(tx *store.Tx, st *stack, but map[string]bool) error {
	all, err := exports.List(tx, st.Account, st.Region)
	if err != nil {
		return err
	}
	for _, x := range all {
		if but[x.Name] {
			continue
		}
		if _, err := imports.Delete(tx, st.Account, st.Region, x.Name, st.ID); err != nil {
			return err
		}
	}
	return nil
}

// forget takes a stack that is deleted out of what finds it by name.
func (s *Service) forget(tx *store.Tx, st *stack) error {
	if _, err := s.publish(tx, st, nil); err != nil {
		return err
	}
	if err := dropImports(tx, st, nil); err != nil {
		return err
	}
	if err := signals.DeleteAll(tx, st.ID); err != nil {
		return err
	}
	asked, err := callbacks.List(tx)
	if err != nil {
		return err
	}
	for _, c := range asked {
		if c.StackID != st.ID {
			continue
		}
		if _, err := callbacks.Delete(tx, c.RequestID); err != nil {
			return err
		}
	}
	_, err = names.Delete(tx, st.Account, st.Region, st.Name)
	return err
}

// keep writes a resource.
func (s *Service) keep(tx *store.Tx, st *stack, rec *record) error {
	if len(st.Spec.Hidden) == 0 && (st.Stable == nil || len(st.Stable.Hidden) == 0) {
		return rec.put(tx, st.ID)
	}
	sealed := *rec
	sealed.Leftovers = slices.Clone(rec.Leftovers)
	list := []*version{&sealed.version}
	if rec.Before != nil {
		sealed.Before = new(*rec.Before)
		list = append(list, sealed.Before)
	}
	for i := range sealed.Leftovers {
		list = append(list, &sealed.Leftovers[i])
	}
	for _, v := range list {
		b, err := json.Marshal(v.Properties)
		if err != nil {
			return err
		}
		if v.Sealed, err = s.Seal(b); err != nil {
			return err
		}
		v.Properties = nil
	}
	return sealed.put(tx, st.ID)
}

// unseal opens what keep has sealed.
func (s *Service) unseal(rec *record) error {
	list := []*version{&rec.version}
	if rec.Before != nil {
		list = append(list, rec.Before)
	}
	for i := range rec.Leftovers {
		list = append(list, &rec.Leftovers[i])
	}
	for _, v := range list {
		if v.Sealed == nil {
			continue
		}
		b, err := s.Unseal(v.Sealed)
		if err != nil {
			return fmt.Errorf("cannot open the properties of %s: %w", rec.LogicalID, err)
		}
		v.Sealed = nil
		if err := decodeJSON(b, &v.Properties); err != nil {
			return fmt.Errorf("cannot read the properties of %s: %w", rec.LogicalID, err)
		}
	}
	return nil
}
