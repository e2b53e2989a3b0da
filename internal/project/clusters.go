package project

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/remote"
)

// binding is what the file says of a cluster, with variables replaced and file
// names in the pipeline's folder.
func (c Redshift) binding(vars Variables, dir string) remote.Binding {
	b := remote.Binding{Host: vars.expand(c.Host), Port: c.Port, Database: vars.expand(c.Database), User: vars.expand(c.User),
		Secret: vars.expand(c.Secret), SSL: c.SSL, RootCert: c.RootCert}
	if b.RootCert != "" && !filepath.IsAbs(b.RootCert) {
		b.RootCert = filepath.Join(dir, b.RootCert)
	}
	return b
}

// deployClusters binds the clusters, and makes those that are not there.
func (r *Runner) deployClusters(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(r.file.Clusters)) {
		b := r.file.Clusters[name].Redshift.binding(r.vars, r.Dir)
		if err := r.bind(ctx, name, b); err != nil {
			return fmt.Errorf("cannot bind cluster %s: %w", name, err)
		}
		r.say("cluster", "%s is %s", name, b)
	}
	return nil
}

func (r *Runner) bind(ctx context.Context, name string, b remote.Binding) error {
	tags := []redshift.Tag{{Key: new(remote.TagKey), Value: new(b.String())}}
	_, err := r.cluster(ctx, name)
	if e := awserr.From(err); e == nil || e.Code != "ClusterNotFound" {
		if err != nil {
			return err
		}
		_, err := r.AWS.Invoke(ctx, "redshift", "CreateTags", &redshift.CreateTagsInput{
			ResourceName: new("arn:aws:redshift:" + r.Region + ":" + r.Account + ":cluster:" + name), Tags: tags,
		})
		return err
	}
	// Its own master password opens nothing: the secret does.
	_, err = r.AWS.Invoke(ctx, "redshift", "CreateCluster", &redshift.CreateClusterInput{
		ClusterIdentifier: &name, NodeType: new("ra3.large"), MasterUsername: new("awsuser"), MasterUserPassword: new("aA1" + rand.Text()), Tags: tags,
	})
	for err == nil {
		status := ""
		if status, err = r.cluster(ctx, name); status != "creating" {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return err
}

// cluster is the status of a cluster.
func (r *Runner) cluster(ctx context.Context, name string) (string, error) {
	out, err := bus.Invoke[redshift.DescribeClustersOutput](ctx, r.AWS, "redshift", "DescribeClusters",
		&redshift.DescribeClustersInput{ClusterIdentifier: &name})
	if err != nil || len(out.Clusters) == 0 {
		return "", err
	}
	return *out.Clusters[0].ClusterStatus, nil
}
