package s3

import "net/http"

// missing names the operations that the embedded server does not have, by
// method and the query parameter that selects them.
var missing = []struct{ method, query, operation string }{
	{http.MethodDelete, "analytics", "DeleteBucketAnalyticsConfiguration"},
	{http.MethodDelete, "intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration"},
	{http.MethodDelete, "inventory", "DeleteBucketInventoryConfiguration"},
	{http.MethodDelete, "metadataConfiguration", "DeleteBucketMetadataConfiguration"},
	{http.MethodDelete, "metadataTable", "DeleteBucketMetadataTableConfiguration"},
	{http.MethodDelete, "metrics", "DeleteBucketMetricsConfiguration"},
	{http.MethodDelete, "replication", "DeleteBucketReplication"},
	{http.MethodGet, "abac", "GetBucketAbac"},
	{http.MethodGet, "accelerate", "GetBucketAccelerateConfiguration"},
	{http.MethodGet, "analytics", "GetBucketAnalyticsConfiguration"},
	{http.MethodGet, "intelligent-tiering", "GetBucketIntelligentTieringConfiguration"},
	{http.MethodGet, "inventory", "GetBucketInventoryConfiguration"},
	{http.MethodGet, "metadataConfiguration", "GetBucketMetadataConfiguration"},
	{http.MethodGet, "metadataTable", "GetBucketMetadataTableConfiguration"},
	{http.MethodGet, "metrics", "GetBucketMetricsConfiguration"},
	{http.MethodGet, "replication", "GetBucketReplication"},
	{http.MethodGet, "requestPayment", "GetBucketRequestPayment"},
	{http.MethodGet, "session", "CreateSession"},
	{http.MethodGet, "torrent", "GetObjectTorrent"},
	{http.MethodPost, "metadataConfiguration", "CreateBucketMetadataConfiguration"},
	{http.MethodPost, "metadataTable", "CreateBucketMetadataTableConfiguration"},
	{http.MethodPut, "abac", "PutBucketAbac"},
	{http.MethodPut, "accelerate", "PutBucketAccelerateConfiguration"},
	{http.MethodPut, "analytics", "PutBucketAnalyticsConfiguration"},
	{http.MethodPut, "intelligent-tiering", "PutBucketIntelligentTieringConfiguration"},
	{http.MethodPut, "inventory", "PutBucketInventoryConfiguration"},
	{http.MethodPut, "metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"},
	{http.MethodPut, "metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"},
	{http.MethodPut, "metrics", "PutBucketMetricsConfiguration"},
	{http.MethodPut, "renameObject", "RenameObject"},
	{http.MethodPut, "replication", "PutBucketReplication"},
	{http.MethodPut, "requestPayment", "PutBucketRequestPayment"},
}

// missingForObjects are those whose query parameter means another operation
// where no key is named.
var missingForObjects = []struct{ method, query, operation string }{
	{http.MethodGet, "acl", "GetObjectAcl"},
	{http.MethodPost, "restore", "RestoreObject"},
	{http.MethodPost, "select", "SelectObjectContent"},
	{http.MethodPut, "acl", "PutObjectAcl"},
	{http.MethodPut, "encryption", "UpdateObjectEncryption"},
}

// missingOperation names the operation of a request that is known and not
// implemented, "" for the others.
func missingOperation(method string, t *target) string {
	if t.Bucket == "" {
		return ""
	}
	if t.Key != "" {
		for _, m := range missingForObjects {
			if m.method == method && t.Query.Has(m.query) {
				return m.operation
			}
		}
	}
	for _, m := range missing {
		if m.method == method && t.Query.Has(m.query) {
			return m.operation
		}
	}
	return ""
}
