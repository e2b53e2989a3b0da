package s3

import (
	"context"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// bucketRecord is what the service keeps of a bucket beside its folder.
type bucketRecord struct {
	Region  string
	Created time.Time
}

// bucketRecords are the bucketRecords by bucket name: names are global. A
// bucket without a record (a folder somebody made by hand) is in
// bus.DefaultRegion.
var bucketRecords = store.NewTable[bucketRecord]("s3_buckets")

func (s *Service) bucket(ctx context.Context, name string) (bucketRecord, error) {
	r := bucketRecord{Region: bus.DefaultRegion}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		kept, ok, err := bucketRecords.Get(tx, name)
		if ok {
			r = kept
		}
		return err
	})
	return r, err
}

func (s *Service) keepBucket(ctx context.Context, name, region string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		return bucketRecords.Put(tx, bucketRecord{Region: region, Created: s.clock.Now().UTC()}, name)
	})
}

func (s *Service) dropBucket(ctx context.Context, name string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := notifications.Delete(tx, name); err != nil {
			return err
		}
		if _, err := configurations.Delete(tx, name); err != nil {
			return err
		}
		if _, err := policies.Delete(tx, name); err != nil {
			return err
		}
		_, err := bucketRecords.Delete(tx, name)
		return err
	})
}
