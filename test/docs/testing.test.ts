// The tests that the guide shows are tests: they run here as they stand.
import "../../examples/guide/testing/send-news.test.ts";
import "../../examples/guide/testing/sign-up.test.ts";
