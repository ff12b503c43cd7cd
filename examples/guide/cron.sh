set -eu
# #region put
curl -X PUT "$TIDEGATE_URL/schedules/remind-7" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" \
  --json '{"name":"remind","payload":{"user":7},"cron":"0 18 * * MON-FRI","timeZone":"Asia/Tokyo"}'
curl "$TIDEGATE_URL/schedules/remind-7/preview?count=3" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN"
# #endregion
