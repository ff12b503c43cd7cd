export default defineNuxtConfig({ compatibilityDate: "2026-04-21", telemetry: false });
