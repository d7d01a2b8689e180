ALTER TABLE "payment" ADD COLUMN "sent_at" BIGINT;
ALTER TABLE "payment" ADD COLUMN "kept" TEXT;
UPDATE "payment" SET "sent_at" = "changed_at"
    WHERE "kind" <> 'reward' AND "status" IN ('sent', 'unknown', 'confirmed');
CREATE INDEX "payment_of_visit"
    ON "payment" ("visit_id");
