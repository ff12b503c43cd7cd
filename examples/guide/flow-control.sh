set -eu
# #region curl
curl "$TIDEGATE_URL/flow-control/mail-provider" -H "Authorization: Bearer $TIDEGATE_READ_TOKEN"
curl -X PUT "$TIDEGATE_URL/flow-control/mail-provider" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" \
  --json '{"rate":10,"period":"1m"}'
curl -X POST "$TIDEGATE_URL/flow-control/tenant-acme/pause" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN"
# #endregion
