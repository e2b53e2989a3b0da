// Package ec2 is the network family of Amazon EC2: VPCs, subnets, internet and
// NAT gateways, elastic addresses, route tables, security groups and VPC
// endpoints, after the EC2 API reference. They are kept, checked and described
// as AWS does, with a default VPC in every account and region; no packet is
// routed by them.
//
// What takes time on AWS (a NAT gateway, an endpoint) is done when the call
// returns. Of network interfaces there are those that NAT gateways and interface
// endpoints have. IPv6, IPAM, outposts, and all else of EC2 - instances, images,
// volumes, peering, transit gateways - are refused by name.
//
// Only the composition root imports this package; others reach it over the bus.
package ec2
