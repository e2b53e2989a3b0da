//go:build models

package main

// Keeps the module of the models in go.mod; nothing of it is linked.
import _ "github.com/aws/aws-sdk-go/aws"
