// Package ecr is Amazon Elastic Container Registry as far as it needs no images:
// repositories with their policies, settings and tags, kept and returned, after
// the ECR API reference.
//
// There is no registry to push images to or pull them from: repositories stay
// empty, and every operation on images, and the token for the registry, is
// refused by name. Policies are kept, not enforced.
//
// Only the composition root imports this package; others reach it over the bus.
package ecr
