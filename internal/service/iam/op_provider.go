package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (p *provider) put(tx *store.Tx, account string) error {
	return providers.Put(tx, *p, account, p.ARN)
}

// findProvider finds an identity provider; kind is oidc or saml.
func findProvider(tx *store.Tx, account, kind, arn string) (*provider, error) {
	p, ok, err := providers.Get(tx, account, arn)
	if err == nil && (!ok || (kind == "oidc") != (p.URL != "")) {
		if kind == "oidc" {
			err = iam.NoSuchEntityException("OpenIDConnect Provider not found for arn %s", arn)
		} else {
			err = iam.NoSuchEntityException("Manifest not found for arn %s", arn)
		}
	}
	return &p, err
}

// listProviders lists the providers of a kind by ARN.
func (s *Service) listProviders(ctx context.Context, kind string) (list []provider, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		list, err = providers.List(tx, bus.From(ctx).Account)
		list = slices.DeleteFunc(list, func(p provider) bool { return (kind == "oidc") != (p.URL != "") })
		return err
	})
	return list, err
}

func (s *Service) newProvider(ctx context.Context, p *provider, taken func() error) error {
	account := bus.From(ctx).Account
	p.Created = s.now()
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := providers.Get(tx, account, p.ARN); err != nil || ok {
			if ok {
				return taken()
			}
			return err
		}
		return p.put(tx, account)
	})
}

func (s *Service) changeProvider(ctx context.Context, kind, arn string, change func(*provider) error) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := findProvider(tx, account, kind, arn)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return p.put(tx, account)
	})
}

func (s *Service) dropProvider(ctx context.Context, kind, arn string) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := findProvider(tx, account, kind, arn)
		if err != nil {
			return err
		}
		_, err = providers.Delete(tx, account, p.ARN)
		return err
	})
}

func (s *Service) createOpenIDConnectProvider(ctx context.Context, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	c := bus.From(ctx)
	host, ok := strings.CutPrefix(*in.Url, "https://")
	if host = strings.TrimSuffix(host, "/"); !ok || host == "" || strings.ContainsAny(host, "?#") {
		return nil, iam.InvalidInputException("Invalid Open ID Connect Provider URL")
	}
	tags, err := keptTags(c, in.Tags)
	if err != nil {
		return nil, err
	}
	p := provider{ARN: "arn:aws:iam::" + c.Account + ":oidc-provider/" + host, URL: host, Clients: in.ClientIDList, Thumbprints: in.ThumbprintList, Tags: tags}
	err = s.newProvider(ctx, &p, func() error { return iam.EntityAlreadyExistsException("Provider with url %s already exists.", *in.Url) })
	if err != nil {
		return nil, err
	}
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: &p.ARN, Tags: shownTags(tags)}, nil
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Service) getOpenIDConnectProvider(ctx context.Context, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	out := &iam.GetOpenIDConnectProviderOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		p, err := findProvider(tx, bus.From(ctx).Account, "oidc", *in.OpenIDConnectProviderArn)
		out.Url, out.ClientIDList, out.ThumbprintList = &p.URL, orNone(p.Clients), orNone(p.Thumbprints)
		out.CreateDate, out.Tags = &p.Created, shownTags(p.Tags)
		return err
	})
}

func (s *Service) listOpenIDConnectProviders(ctx context.Context, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	list, err := s.listProviders(ctx, "oidc")
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []iam.OpenIDConnectProviderListEntry{}}
	for i := range list {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, iam.OpenIDConnectProviderListEntry{Arn: &list[i].ARN})
	}
	return out, err
}

func (s *Service) deleteOpenIDConnectProvider(ctx context.Context, in *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	return &iam.DeleteOpenIDConnectProviderOutput{}, s.dropProvider(ctx, "oidc", *in.OpenIDConnectProviderArn)
}

func (s *Service) addClientIDToOpenIDConnectProvider(ctx context.Context, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, s.changeProvider(ctx, "oidc", *in.OpenIDConnectProviderArn, func(p *provider) error {
		if !slices.Contains(p.Clients, *in.ClientID) {
			p.Clients = append(p.Clients, *in.ClientID)
		}
		return nil
	})
}

func (s *Service) removeClientIDFromOpenIDConnectProvider(ctx context.Context, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, s.changeProvider(ctx, "oidc", *in.OpenIDConnectProviderArn, func(p *provider) error {
		p.Clients = slices.DeleteFunc(p.Clients, func(id string) bool { return id == *in.ClientID })
		return nil
	})
}

func (s *Service) updateOpenIDConnectProviderThumbprint(ctx context.Context, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, s.changeProvider(ctx, "oidc", *in.OpenIDConnectProviderArn, func(p *provider) error {
		p.Thumbprints = in.ThumbprintList
		return nil
	})
}

func (s *Service) createSAMLProvider(ctx context.Context, in *iam.CreateSAMLProviderInput) (*iam.CreateSAMLProviderOutput, error) {
	c := bus.From(ctx)
	tags, err := keptTags(c, in.Tags)
	if err != nil {
		return nil, err
	}
	p := provider{ARN: "arn:aws:iam::" + c.Account + ":saml-provider/" + *in.Name, Metadata: *in.SAMLMetadataDocument, ValidUntil: s.now().AddDate(100, 0, 0), Tags: tags}
	err = s.newProvider(ctx, &p, func() error {
		return iam.EntityAlreadyExistsException("SAMLProvider with name %s already exists.", *in.Name)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateSAMLProviderOutput{SAMLProviderArn: &p.ARN, Tags: shownTags(tags)}, nil
}

func (s *Service) getSAMLProvider(ctx context.Context, in *iam.GetSAMLProviderInput) (*iam.GetSAMLProviderOutput, error) {
	out := &iam.GetSAMLProviderOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		p, err := findProvider(tx, bus.From(ctx).Account, "saml", *in.SAMLProviderArn)
		out.SAMLMetadataDocument, out.CreateDate, out.ValidUntil, out.Tags = &p.Metadata, &p.Created, &p.ValidUntil, shownTags(p.Tags)
		return err
	})
}

func (s *Service) listSAMLProviders(ctx context.Context, _ *iam.ListSAMLProvidersInput) (*iam.ListSAMLProvidersOutput, error) {
	list, err := s.listProviders(ctx, "saml")
	out := &iam.ListSAMLProvidersOutput{SAMLProviderList: []iam.SAMLProviderListEntry{}}
	for i := range list {
		p := &list[i]
		out.SAMLProviderList = append(out.SAMLProviderList, iam.SAMLProviderListEntry{Arn: &p.ARN, ValidUntil: &p.ValidUntil, CreateDate: &p.Created})
	}
	return out, err
}

func (s *Service) updateSAMLProvider(ctx context.Context, in *iam.UpdateSAMLProviderInput) (*iam.UpdateSAMLProviderOutput, error) {
	return &iam.UpdateSAMLProviderOutput{SAMLProviderArn: in.SAMLProviderArn}, s.changeProvider(ctx, "saml", *in.SAMLProviderArn, func(p *provider) error {
		p.Metadata = *in.SAMLMetadataDocument
		return nil
	})
}

func (s *Service) deleteSAMLProvider(ctx context.Context, in *iam.DeleteSAMLProviderInput) (*iam.DeleteSAMLProviderOutput, error) {
	return &iam.DeleteSAMLProviderOutput{}, s.dropProvider(ctx, "saml", *in.SAMLProviderArn)
}
