ALTER TABLE "visit" ADD COLUMN "place" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "visit" ADD COLUMN "handovers" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "visit" ADD COLUMN "last_arrived_at" INTEGER NOT NULL DEFAULT 0;
UPDATE "visit" SET "last_arrived_at" = "arrived_at";
CREATE UNIQUE INDEX "visit_place"
    ON "visit" ("run_id", "place")
    WHERE (("place" != '') AND ("status" IN ('arrived', 'accepted')));
