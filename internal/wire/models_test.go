package wire

import (
	"time"

	"stepwell/internal/awsapi"
)

// Three small models for protocols that no generated service speaks yet.

type restInput struct {
	Name   *string           `json:",omitzero"`
	Max    *int64            `json:",omitzero"`
	Tags   []string          `json:",omitzero"`
	Since  *time.Time        `json:",omitzero"`
	Meta   map[string]string `json:",omitzero"`
	Body   *restBody         `json:",omitzero"`
	Status *int64            `json:",omitzero"`
}

type restBody struct {
	Note  *string  `json:",omitzero"`
	Ratio *float64 `json:",omitzero"`
	Data  []byte   `json:",omitzero"`
	Any   any      `json:",omitzero"`
}

var restShapes = []awsapi.Shape{
	{},
	{Name: "PutThingInput", Kind: awsapi.Structure, Payload: 6, Members: []awsapi.Member{
		{Name: "Name", Shape: 2, Location: awsapi.URI, Wire: "name", Required: true},
		{Name: "Max", Shape: 3, Location: awsapi.QueryString, Wire: "max"},
		{Name: "Tags", Shape: 4, Location: awsapi.QueryString, Wire: "tag"},
		{Name: "Since", Shape: 5, Location: awsapi.Header, Wire: "If-Modified-Since"},
		{Name: "Meta", Shape: 6, Location: awsapi.Headers, Wire: "x-meta-"},
		{Name: "Body", Shape: 7},
		{Name: "Status", Shape: 3, Location: awsapi.StatusCode},
	}},
	{Name: "String", Kind: awsapi.String},
	{Name: "Integer", Kind: awsapi.Integer},
	{Name: "List", Kind: awsapi.List, Elem: 2},
	{Name: "Time", Kind: awsapi.Timestamp},
	{Name: "Map", Kind: awsapi.Map, Key: 2, Elem: 2},
	{Name: "Body", Kind: awsapi.Structure, Members: []awsapi.Member{
		{Name: "note", Shape: 2}, {Name: "ratio", Shape: 8}, {Name: "data", Shape: 9}, {Name: "any", Shape: 10}}},
	{Name: "Double", Kind: awsapi.Double},
	{Name: "Blob", Kind: awsapi.Blob},
	{Name: "Any", Kind: awsapi.Document},
}

func newRest() any { return new(restInput) }

var restModel = &awsapi.Model{Service: "rest", Protocol: awsapi.RESTJSON, Shapes: restShapes, Operations: []awsapi.Operation{
	{Name: "PutThing", Method: "PUT", URI: "/2020/things/{name}", Modelled: true, Input: 1, Output: 1, NewInput: newRest, NewOutput: newRest, Status: 201},
}}

type ec2Input struct {
	Name *string   `json:",omitzero"`
	Ids  []string  `json:",omitzero"`
	Spec []ec2Spec `json:",omitzero"`
}

type ec2Spec struct {
	Kind *string `json:",omitzero"`
}

func newEC2() any { return new(ec2Input) }

var ec2Model = &awsapi.Model{Service: "ec2", Protocol: awsapi.EC2, APIVersion: "2016-11-15", XMLNamespace: "http://ec2.amazonaws.com/doc/2016-11-15",
	Shapes: []awsapi.Shape{{},
		{Name: "In", Kind: awsapi.Structure, Members: []awsapi.Member{
			{Name: "name", Shape: 2}, {Name: "Ids", Shape: 3, Wire: "instanceIdSet", QueryName: "InstanceId"}, {Name: "Spec", Shape: 4, Wire: "specification"}}},
		{Name: "String", Kind: awsapi.String},
		{Name: "Ids", Kind: awsapi.List, Elem: 2, ElemName: "item"},
		{Name: "Specs", Kind: awsapi.List, Elem: 5, ElemName: "item"},
		{Name: "Spec", Kind: awsapi.Structure, Members: []awsapi.Member{{Name: "Kind", Shape: 2, Wire: "kind"}}},
	},
	Operations: []awsapi.Operation{{Name: "Describe", Method: "POST", URI: "/", Modelled: true, Input: 1, Output: 1, NewInput: newEC2, NewOutput: newEC2}}}

// movedModel is a service that moved from query to JSON and tells old clients
// its old error codes.
var movedModel = &awsapi.Model{Service: "moved", Protocol: awsapi.JSON, JSONVersion: "1.0", TargetPrefix: "Moved", QueryCompatible: true,
	Shapes: []awsapi.Shape{{}}, Errors: []awsapi.Error{{Name: "QueueDoesNotExist", Code: "AWS.SimpleQueueService.NonExistentQueue",
		QueryCode: "AWS.SimpleQueueService.NonExistentQueue", Status: 400}}}
