INSERT INTO makers (name) VALUES ('a'), ('b');--> statement-breakpoint
ALTER TABLE "items" ADD COLUMN "note" text DEFAULT 'x' NOT NULL;--> statement-breakpoint
ALTER TABLE "items" ALTER COLUMN "price" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "items" RENAME COLUMN "note" TO "remark";--> statement-breakpoint
CREATE UNIQUE INDEX "items_remark" ON "items" USING btree ("remark");
