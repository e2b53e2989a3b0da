package ecr

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const kept = "the policy is kept, not acted on"
	rows := []bus.Operation{
		bus.PartialOp("CreateRepository", "images cannot be pushed", s.createRepository),
		bus.Op("DeleteLifecyclePolicy", s.deleteLifecyclePolicy),
		bus.Op("DeleteRepository", s.deleteRepository),
		bus.Op("DeleteRepositoryPolicy", s.deleteRepositoryPolicy),
		bus.PartialOp("DescribeImages", "repositories have no images", s.describeImages),
		bus.Op("DescribeRepositories", s.describeRepositories),
		bus.Op("GetLifecyclePolicy", s.getLifecyclePolicy),
		bus.Op("GetRepositoryPolicy", s.getRepositoryPolicy),
		bus.PartialOp("ListImages", "repositories have no images", s.listImages),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("PutImageScanningConfiguration", s.putImageScanningConfiguration),
		bus.Op("PutImageTagMutability", s.putImageTagMutability),
		bus.PartialOp("PutLifecyclePolicy", kept, s.putLifecyclePolicy),
		bus.PartialOp("SetRepositoryPolicy", kept, s.setRepositoryPolicy),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagResource", s.untagResource),
	}
	for _, o := range api.Model.Operations {
		if !slices.ContainsFunc(rows, func(r bus.Operation) bool { return r.Name == o.Name }) {
			rows = append(rows, bus.Missing("there is no registry for images", o.Name)...)
		}
	}
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "ecr", Model: api.Model, Operations: rows}
}
