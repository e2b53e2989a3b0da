package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// layerRef names a layer, given by name or ARN.
func layerRef(ctx context.Context, name string) (scope, string) {
	c := bus.From(ctx)
	if a, ok := bus.ParseARN(name); ok {
		rest, _ := strings.CutPrefix(a.Resource, "layer:")
		name, _, _ = strings.Cut(rest, ":")
		return scope{a.Account, a.Region}, name
	}
	return scope{c.Account, c.Region}, name
}

func layerKey(version int64) string { return versionKey(strconv.FormatInt(version, 10)) }

func (s *Service) publishLayerVersion(ctx context.Context, r *api.PublishLayerVersionInput) (*api.PublishLayerVersionOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	data, err := s.fetch(ctx, source{r.Content.ZipFile, r.Content.S3Bucket, r.Content.S3Key, r.Content.S3ObjectVersion})
	if err != nil {
		return nil, err
	}
	defer s.files.hold()()
	hash, err := s.files.keep(data)
	if err != nil {
		return nil, err
	}
	l := layer{Code: hash, Output: api.GetLayerVersionOutput{
		Content:  &api.LayerVersionContentOutput{CodeSha256: new(sha(hash)), CodeSize: new(int64(len(data)))},
		LayerArn: new(at.arn("layer:" + name)), Description: new(value(r.Description)), CreatedDate: s.stamp(),
		CompatibleRuntimes: r.CompatibleRuntimes, LicenseInfo: r.LicenseInfo, CompatibleArchitectures: r.CompatibleArchitectures,
	}}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		last, _, err := layerCounts.Get(tx, at.key(name)...)
		if err != nil {
			return err
		}
		last++
		l.Output.Version, l.Output.LayerVersionArn = &last, new(*l.Output.LayerArn+":"+strconv.FormatInt(last, 10))
		if err := layerCounts.Put(tx, last, at.key(name)...); err != nil {
			return err
		}
		return layers.Put(tx, l, at.key(name, layerKey(last))...)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.showLayer(l)
	return (*api.PublishLayerVersionOutput)(out), err
}

// showLayer is a layer version with where its archive can be fetched.
func (s *Service) showLayer(l layer) (*api.GetLayerVersionOutput, error) {
	out, content := l.Output, *l.Output.Content
	where, err := s.download.url(s.files.zip(l.Code))
	content.Location, out.Content = &where, &content
	return &out, err
}

func (s *Service) findLayer(ctx context.Context, at scope, name string, version int64) (l layer, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var there bool
		if l, there, err = layers.Get(tx, at.key(name, layerKey(version))...); err == nil && !there {
			err = layerNotFound()
		}
		return err
	})
	return l, err
}

func (s *Service) getLayerVersion(ctx context.Context, r *api.GetLayerVersionInput) (*api.GetLayerVersionOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	l, err := s.findLayer(ctx, at, name, *r.VersionNumber)
	if err != nil {
		return nil, err
	}
	return s.showLayer(l)
}

func (s *Service) getLayerVersionByArn(ctx context.Context, r *api.GetLayerVersionByArnInput) (*api.GetLayerVersionByArnOutput, error) {
	at, name := layerRef(ctx, *r.Arn)
	version, err := strconv.ParseInt((*r.Arn)[strings.LastIndexByte(*r.Arn, ':')+1:], 10, 64)
	if err != nil {
		return nil, layerNotFound()
	}
	l, err := s.findLayer(ctx, at, name, version)
	if err != nil {
		return nil, err
	}
	out, err := s.showLayer(l)
	return (*api.GetLayerVersionByArnOutput)(out), err
}

// deleteLayerVersion forgets a version. Functions that have it keep its code.
func (s *Service) deleteLayerVersion(ctx context.Context, r *api.DeleteLayerVersionInput) (*api.DeleteLayerVersionOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	if err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := policies.DeleteAll(tx, at.arn("layer:"+name), layerKey(*r.VersionNumber)); err != nil {
			return err
		}
		_, err := layers.Delete(tx, at.key(name, layerKey(*r.VersionNumber))...)
		return err
	}); err != nil {
		return nil, err
	}
	return &api.DeleteLayerVersionOutput{}, s.sweep(ctx)
}

// fits reports whether a layer is for what a list asks for.
func fits(l layer, runtime, architecture *string) bool {
	return (runtime == nil || slices.Contains(l.Output.CompatibleRuntimes, *runtime)) &&
		(architecture == nil || slices.Contains(l.Output.CompatibleArchitectures, *architecture))
}

func item(l layer) api.LayerVersionsListItem {
	o := l.Output
	return api.LayerVersionsListItem{LayerVersionArn: o.LayerVersionArn, Version: o.Version, Description: o.Description, CreatedDate: o.CreatedDate,
		CompatibleRuntimes: o.CompatibleRuntimes, LicenseInfo: o.LicenseInfo, CompatibleArchitectures: o.CompatibleArchitectures}
}

// listLayerVersions lists the versions of a layer, the latest first.
func (s *Service) listLayerVersions(ctx context.Context, r *api.ListLayerVersionsInput) (*api.ListLayerVersionsOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	out := &api.ListLayerVersionsOutput{LayerVersions: []api.LayerVersionsListItem{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := layers.List(tx, at.key(name)...)
		for _, l := range slices.Backward(list) {
			if fits(l, r.CompatibleRuntime, r.CompatibleArchitecture) {
				out.LayerVersions = append(out.LayerVersions, item(l))
			}
		}
		if err != nil {
			return err
		}
		latestFirst := func(l *api.LayerVersionsListItem) string { return layerKey(math.MaxInt64 - *l.Version) }
		out.LayerVersions, out.NextMarker, err = paging.Cut(out.LayerVersions, latestFirst, r.Marker, min(paging.Size(r.MaxItems, 50), 50))
		return asMarker(err)
	})
}

func (s *Service) listLayers(ctx context.Context, r *api.ListLayersInput) (*api.ListLayersOutput, error) {
	at, _ := layerRef(ctx, "")
	out := &api.ListLayersOutput{Layers: []api.LayersListItem{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := layers.List(tx, at.key()...)
		for _, l := range list { // versions of a layer follow each other
			if !fits(l, r.CompatibleRuntime, r.CompatibleArchitecture) {
				continue
			}
			arn := *l.Output.LayerArn
			shown := api.LayersListItem{LayerName: new(arn[strings.LastIndexByte(arn, ':')+1:]), LayerArn: &arn, LatestMatchingVersion: new(item(l))}
			if n := len(out.Layers); n > 0 && *out.Layers[n-1].LayerArn == arn {
				out.Layers[n-1] = shown
			} else {
				out.Layers = append(out.Layers, shown)
			}
		}
		if err != nil {
			return err
		}
		out.Layers, out.NextMarker, err = paging.Cut(out.Layers, func(l *api.LayersListItem) string { return *l.LayerName }, r.Marker, min(paging.Size(r.MaxItems, 50), 50))
		return asMarker(err)
	})
}

func (s *Service) addLayerVersionPermission(ctx context.Context, r *api.AddLayerVersionPermissionInput) (*api.AddLayerVersionPermissionOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	l, err := s.findLayer(ctx, at, name, *r.VersionNumber)
	if err != nil {
		return nil, err
	}
	st := statement{Sid: *r.StatementId, Effect: "Allow", Principal: principal(*r.Principal), Action: *r.Action, Resource: *l.Output.LayerVersionArn}
	if r.OrganizationId != nil {
		st.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": *r.OrganizationId}}
	}
	out := &api.AddLayerVersionPermissionOutput{}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		return s.changePolicy(tx, r.RevisionId, func(p *policy) error { return p.add(st) }, at.arn("layer:"+name), layerKey(*r.VersionNumber))
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(st)
	out.Statement = new(string(text))
	return out, err
}

func (s *Service) removeLayerVersionPermission(ctx context.Context, r *api.RemoveLayerVersionPermissionInput) (*api.RemoveLayerVersionPermissionOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	return &api.RemoveLayerVersionPermissionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		return s.changePolicy(tx, r.RevisionId, func(p *policy) error { return p.remove(*r.StatementId) }, at.arn("layer:"+name), layerKey(*r.VersionNumber))
	})
}

func (s *Service) getLayerVersionPolicy(ctx context.Context, r *api.GetLayerVersionPolicyInput) (*api.GetLayerVersionPolicyOutput, error) {
	at, name := layerRef(ctx, *r.LayerName)
	out := &api.GetLayerVersionPolicyOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		p, there, err := policies.Get(tx, at.arn("layer:"+name), layerKey(*r.VersionNumber))
		if err != nil || !there {
			return cmp.Or[error](err, policyNotFound())
		}
		text, err := p.text()
		out.Policy, out.RevisionId = &text, &p.Revision
		return err
	})
}
