package ssm

import (
	"context"
	"regexp"
	"strconv"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/store"
)

const maxLabels = 10 // of a version

var (
	labelPattern  = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]*$`)
	labelReserved = regexp.MustCompile(`(?i)^(aws|ssm)`)
)

func (s *Service) labelParameterVersion(ctx context.Context, in *api.LabelParameterVersionInput) (*api.LabelParameterVersionOutput, error) {
	out := &api.LabelParameterVersionOutput{InvalidLabels: []string{}}
	err := s.change(ctx, *in.Name, nil, func(_ *store.Tx, p *parameter) error {
		n := p.Newest.Number
		if in.ParameterVersion != nil {
			n = *in.ParameterVersion
		}
		if n < p.Oldest || n > p.Newest.Number {
			return noVersion(p.Name, strconv.FormatInt(n, 10))
		}
		if p.Labels == nil {
			p.Labels = map[string]int64{}
		}
		out.InvalidLabels, out.ParameterVersion = []string{}, &n
		for _, l := range in.Labels {
			if !labelPattern.MatchString(l) || labelReserved.MatchString(l) {
				out.InvalidLabels = append(out.InvalidLabels, l)
				continue
			}
			p.Labels[l] = n
		}
		if len(p.labels(n)) > maxLabels {
			return api.ParameterVersionLabelLimitExceeded("A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) unlabelParameterVersion(ctx context.Context, in *api.UnlabelParameterVersionInput) (*api.UnlabelParameterVersionOutput, error) {
	out := &api.UnlabelParameterVersionOutput{}
	err := s.change(ctx, *in.Name, nil, func(_ *store.Tx, p *parameter) error {
		out.RemovedLabels, out.InvalidLabels = []string{}, []string{}
		if *in.ParameterVersion < p.Oldest || *in.ParameterVersion > p.Newest.Number {
			return noVersion(p.Name, strconv.FormatInt(*in.ParameterVersion, 10))
		}
		for _, l := range in.Labels {
			if n, ok := p.Labels[l]; ok && n == *in.ParameterVersion {
				delete(p.Labels, l)
				out.RemovedLabels = append(out.RemovedLabels, l)
			} else {
				out.InvalidLabels = append(out.InvalidLabels, l)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
