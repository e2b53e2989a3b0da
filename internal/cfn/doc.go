// Package cfn is CloudFormation's template language: it parses templates in
// JSON and YAML with positions, says what is wrong with them in
// CloudFormation's words, and evaluates parameters, mappings, conditions and
// intrinsic functions ("Template reference" of the user guide).
//
// It knows no resource type and makes nothing: whoever deploys a template gives
// an Env that answers for the resources. Services and doors may import it.
package cfn
