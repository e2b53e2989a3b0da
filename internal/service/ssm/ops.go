package ssm

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const public = "public parameters (/aws/service) and references to secrets are refused"
	rows := []bus.Operation{
		bus.PartialOp("AddTagsToResource", "of parameters", s.addTagsToResource),
		bus.Op("DeleteParameter", s.deleteParameter),
		bus.Op("DeleteParameters", s.deleteParameters),
		bus.PartialOp("DescribeParameters", "no shared parameters", s.describeParameters),
		bus.PartialOp("GetParameter", public, s.getParameter),
		bus.Op("GetParameterHistory", s.getParameterHistory),
		bus.PartialOp("GetParameters", public, s.getParameters),
		bus.PartialOp("GetParametersByPath", public, s.getParametersByPath),
		bus.Op("LabelParameterVersion", s.labelParameterVersion),
		bus.PartialOp("ListTagsForResource", "of parameters", s.listTagsForResource),
		bus.PartialOp("PutParameter", "policies and the data type aws:ec2:image are refused", s.putParameter),
		bus.PartialOp("RemoveTagsFromResource", "of parameters", s.removeTagsFromResource),
		bus.Op("UnlabelParameterVersion", s.unlabelParameterVersion),
	}
	for _, o := range api.Model.Operations {
		if !o.Modelled {
			rows = append(rows, bus.Missing("only Parameter Store is there", o.Name)...)
		}
	}
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "ssm", Model: api.Model, Operations: rows}
}
