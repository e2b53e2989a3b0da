package warehouse

import (
	"strings"

	"stepwell/internal/sqlerr"
)

// missingSystemTables are system tables and views of the Database Developer
// Guide that are not here. Reading one is refused by its name: rows of the
// slices, queues and steps of a real cluster would have to be made up.
const missingSystemTables = `
stl_aggr stl_alert_event_log stl_analyze stl_analyze_compression stl_bcast stl_commit_stats stl_delete stl_disk_full_diag stl_dist stl_explain
stl_file_scan stl_hash stl_hashjoin stl_insert stl_limit stl_loaderror_detail stl_merge stl_mergejoin stl_mv_state stl_nestloop stl_parse
stl_plan_info stl_project stl_query_metrics stl_replacements stl_restarted_sessions stl_return stl_s3client stl_s3client_error stl_save stl_scan
stl_schema_quota_violations stl_sort stl_sshclient_error stl_stream_segs stl_tr_conflict stl_undone stl_unique stl_usage_control stl_userlog
stl_vacuum stl_window stl_wlm_error stl_wlm_rule_action stl_wlm_query
stv_active_cursors stv_cursor_configuration stv_db_isolation_level stv_exec_state stv_fdisk_stats stv_gui_data stv_load_state
stv_mv_deps stv_mv_info stv_node_storage_capacity stv_query_metrics stv_slices stv_startup_recovery_state stv_tbl_trans
stv_wlm_classification_config stv_wlm_qmr_config stv_wlm_query_queue_state stv_wlm_query_state stv_wlm_query_task_state
stv_wlm_service_class_config stv_wlm_service_class_state stv_xrestore_alter_queue_state
svcs_alert_event_log svcs_compile svcs_concurrency_scaling_usage svcs_explain svcs_plan_info svcs_query_summary svcs_s3list svcs_s3log
svcs_s3partition_summary svcs_s3query_summary svcs_stream_segs svl_auto_worker_action svl_compile
svl_datashare_change_log svl_datashare_cross_region_usage svl_datashare_usage_consumer svl_datashare_usage_producer svl_federated_query
svl_multi_statement_violations svl_mv_refresh_status svl_query_metrics svl_query_metrics_summary svl_query_queue_info svl_query_report
svl_query_summary svl_restore_alter_table_progress svl_s3catalog svl_s3list svl_s3log svl_s3partition svl_s3partition_summary
svl_s3query svl_s3retries svl_spectrum_scan_error
svl_terminate svl_udf_log svl_vacuum_percentage
svv_alter_table_recommendations svv_copy_job_integrations svv_datashare_consumers svv_datashare_objects svv_datashares
svv_iam_privileges svv_identity_providers svv_integration svv_integration_table_mapping svv_integration_table_state svv_interleaved_columns
svv_ml_model_info svv_ml_model_privileges svv_mv_dependency svv_mv_info svv_query_inflight svv_query_state
svv_restore_table_state svv_schema_quota_state
svv_vacuum_progress svv_vacuum_summary
sys_analyze_compression_history sys_analyze_history sys_applied_masking_policy_log sys_auto_table_optimization sys_automatic_optimization
sys_child_query_text sys_copy_job_detail sys_copy_replacements
sys_datashare_change_log sys_datashare_cross_region_usage sys_datashare_usage_consumer sys_datashare_usage_producer sys_external_query_error
sys_integration_activity sys_integration_table_activity sys_integration_table_state_change
sys_mv_refresh_history sys_mv_state sys_query_explain sys_restore_log sys_restore_state
sys_schema_quota_violations sys_serverless_usage sys_spatial_simplify sys_stream_scan_errors sys_stream_scan_states sys_transaction_history
sys_udf_log sys_userlog sys_vacuum_history`

// missingSystemTable is the error for reading a relation that was not found,
// where its name is one of Redshift's own; nil where it is not.
func missingSystemTable(name string) error {
	switch prefix, _, _ := strings.Cut(name, "_"); prefix {
	case "stl", "stv", "svcs", "svl", "svv", "sys":
	default:
		return nil
	}
	for table := range strings.FieldsSeq(missingSystemTables) {
		if table == name {
			return sqlerr.NotImplemented("the system table " + name)
		}
	}
	return nil
}
