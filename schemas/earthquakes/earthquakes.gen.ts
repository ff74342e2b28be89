// Generated from schema.avsc, output.avsc and quality.dqdl of this folder. Change those, then: npm run generate
import type { Schema } from 'avsc';

export interface In {
  /** GeoJSON object type */
  "type": "Feature";
  /** Identity of the event: network and code */
  "id": string;
  /** What is known of the event */
  "properties": {
    /** Magnitude on the scale of magType; small events are negative */
    "mag": number | null;
    /** Nearest named place, in words */
    "place": string | null;
    /** When it happened, epoch milliseconds UTC */
    "time": number;
    /** When this description was last changed, epoch milliseconds UTC */
    "updated": number;
    /** Offset from UTC at the epicentre, minutes */
    "tz": number | null;
    /** Web page of the event */
    "url": string;
    /** Address of the detailed GeoJSON */
    "detail": string | null;
    /** Reports of people who felt it, count */
    "felt": number | null;
    /** Highest reported intensity, 0 to 10 */
    "cdi": number | null;
    /** Highest estimated instrumental intensity, 0 to 10 */
    "mmi": number | null;
    /** PAGER alert level */
    "alert": "green" | "yellow" | "orange" | "red" | null;
    /** Whether a person has reviewed it */
    "status": "automatic" | "reviewed" | "deleted";
    /** 1 when the event may have a tsunami message, else 0 */
    "tsunami": number;
    /** Significance, 0 to about 1000 */
    "sig": number;
    /** Network that gave the preferred data */
    "net": string;
    /** Code of the event within its network */
    "code": string;
    /** All identities of the event, between commas */
    "ids": string;
    /** Networks that contributed, between commas */
    "sources": string;
    /** Product types, between commas */
    "types": string;
    /** Stations used for the location, count */
    "nst": number | null;
    /** Distance to the nearest station, degrees */
    "dmin": number | null;
    /** Root mean square travel time residual, seconds */
    "rms": number | null;
    /** Largest azimuthal gap between stations, degrees */
    "gap": number | null;
    /** Method of the magnitude, such as ml or mww */
    "magType": string | null;
    /** Kind of event, such as earthquake or quarry blast */
    "type": string;
    /** Magnitude and place, in words */
    "title": string | null;
  };
  /** Where it happened */
  "geometry": {
    /** GeoJSON geometry type */
    "type": "Point";
    /** Longitude and latitude of the epicentre, degrees, and depth, kilometres, in this order */
    "coordinates": (number)[];
  };
}

export interface Out {
  /** Identity of the event: network and code */
  "id": string;
  /** When it happened, UTC */
  "occurred_at": number;
  /** When the description was last changed, UTC */
  "updated_at": number;
  /** Magnitude on the scale of magnitude_type */
  "magnitude": number | null;
  /** Method of the magnitude, such as ml or mww */
  "magnitude_type": string | null;
  /** Nearest named place, in words */
  "place": string | null;
  /** Longitude of the epicentre, degrees east */
  "longitude": number;
  /** Latitude of the epicentre, degrees north */
  "latitude": number;
  /** Depth, kilometres below the surface */
  "depth_km": number;
  /** Kind of event, such as earthquake or quarry blast */
  "event_type": string;
  /** automatic, reviewed or deleted */
  "status": string;
  /** PAGER alert level: green, yellow, orange or red */
  "alert": string | null;
  /** Whether the event may have a tsunami message */
  "tsunami": boolean;
  /** Significance, 0 to about 1000 */
  "significance": number;
  /** Reports of people who felt it, count */
  "felt_reports": number | null;
  /** Highest reported intensity, 0 to 10 */
  "reported_intensity": number | null;
  /** Highest estimated instrumental intensity, 0 to 10 */
  "estimated_intensity": number | null;
  /** Stations used for the location, count */
  "stations": number | null;
  /** Distance to the nearest station, degrees */
  "nearest_station_degrees": number | null;
  /** Root mean square travel time residual, seconds */
  "residual_seconds": number | null;
  /** Largest azimuthal gap between stations, degrees */
  "gap_degrees": number | null;
  /** Network that gave the preferred data */
  "network": string;
  /** Networks that contributed */
  "sources": (string)[];
  /** Web page of the event */
  "url": string;
}

export const schema: Schema = {
  "type": "record",
  "name": "Earthquake",
  "namespace": "pipeline.earthquakes",
  "doc": "One seismic event as a GeoJSON feature of the USGS earthquake feed (summary format).",
  "fields": [
    {
      "name": "type",
      "type": {
        "type": "enum",
        "name": "FeatureType",
        "symbols": [
          "Feature"
        ]
      },
      "doc": "GeoJSON object type"
    },
    {
      "name": "id",
      "type": "string",
      "doc": "Identity of the event: network and code"
    },
    {
      "name": "properties",
      "doc": "What is known of the event",
      "type": {
        "type": "record",
        "name": "Properties",
        "fields": [
          {
            "name": "mag",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Magnitude on the scale of magType; small events are negative"
          },
          {
            "name": "place",
            "type": [
              "null",
              "string"
            ],
            "default": null,
            "doc": "Nearest named place, in words"
          },
          {
            "name": "time",
            "type": {
              "type": "long",
              "logicalType": "timestamp-millis"
            },
            "doc": "When it happened, epoch milliseconds UTC"
          },
          {
            "name": "updated",
            "type": {
              "type": "long",
              "logicalType": "timestamp-millis"
            },
            "doc": "When this description was last changed, epoch milliseconds UTC"
          },
          {
            "name": "tz",
            "type": [
              "null",
              "int"
            ],
            "default": null,
            "doc": "Offset from UTC at the epicentre, minutes"
          },
          {
            "name": "url",
            "type": "string",
            "doc": "Web page of the event"
          },
          {
            "name": "detail",
            "type": [
              "null",
              "string"
            ],
            "default": null,
            "doc": "Address of the detailed GeoJSON"
          },
          {
            "name": "felt",
            "type": [
              "null",
              "int"
            ],
            "default": null,
            "doc": "Reports of people who felt it, count"
          },
          {
            "name": "cdi",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Highest reported intensity, 0 to 10"
          },
          {
            "name": "mmi",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Highest estimated instrumental intensity, 0 to 10"
          },
          {
            "name": "alert",
            "type": [
              "null",
              {
                "type": "enum",
                "name": "Alert",
                "symbols": [
                  "green",
                  "yellow",
                  "orange",
                  "red"
                ]
              }
            ],
            "default": null,
            "doc": "PAGER alert level"
          },
          {
            "name": "status",
            "type": {
              "type": "enum",
              "name": "Status",
              "symbols": [
                "automatic",
                "reviewed",
                "deleted"
              ]
            },
            "doc": "Whether a person has reviewed it"
          },
          {
            "name": "tsunami",
            "type": "int",
            "doc": "1 when the event may have a tsunami message, else 0"
          },
          {
            "name": "sig",
            "type": "int",
            "doc": "Significance, 0 to about 1000"
          },
          {
            "name": "net",
            "type": "string",
            "doc": "Network that gave the preferred data"
          },
          {
            "name": "code",
            "type": "string",
            "doc": "Code of the event within its network"
          },
          {
            "name": "ids",
            "type": "string",
            "doc": "All identities of the event, between commas"
          },
          {
            "name": "sources",
            "type": "string",
            "doc": "Networks that contributed, between commas"
          },
          {
            "name": "types",
            "type": "string",
            "doc": "Product types, between commas"
          },
          {
            "name": "nst",
            "type": [
              "null",
              "int"
            ],
            "default": null,
            "doc": "Stations used for the location, count"
          },
          {
            "name": "dmin",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Distance to the nearest station, degrees"
          },
          {
            "name": "rms",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Root mean square travel time residual, seconds"
          },
          {
            "name": "gap",
            "type": [
              "null",
              "double"
            ],
            "default": null,
            "doc": "Largest azimuthal gap between stations, degrees"
          },
          {
            "name": "magType",
            "type": [
              "null",
              "string"
            ],
            "default": null,
            "doc": "Method of the magnitude, such as ml or mww"
          },
          {
            "name": "type",
            "type": "string",
            "doc": "Kind of event, such as earthquake or quarry blast"
          },
          {
            "name": "title",
            "type": [
              "null",
              "string"
            ],
            "default": null,
            "doc": "Magnitude and place, in words"
          }
        ]
      }
    },
    {
      "name": "geometry",
      "doc": "Where it happened",
      "type": {
        "type": "record",
        "name": "Geometry",
        "fields": [
          {
            "name": "type",
            "type": {
              "type": "enum",
              "name": "GeometryType",
              "symbols": [
                "Point"
              ]
            },
            "doc": "GeoJSON geometry type"
          },
          {
            "name": "coordinates",
            "type": {
              "type": "array",
              "items": "double"
            },
            "doc": "Longitude and latitude of the epicentre, degrees, and depth, kilometres, in this order"
          }
        ]
      }
    }
  ]
};

export const output: Schema = {
  "type": "record",
  "name": "EarthquakeRow",
  "namespace": "pipeline.earthquakes",
  "doc": "A row of the table earthquakes.",
  "fields": [
    {
      "name": "id",
      "type": "string",
      "doc": "Identity of the event: network and code"
    },
    {
      "name": "occurred_at",
      "type": {
        "type": "long",
        "logicalType": "timestamp-millis"
      },
      "doc": "When it happened, UTC"
    },
    {
      "name": "updated_at",
      "type": {
        "type": "long",
        "logicalType": "timestamp-millis"
      },
      "doc": "When the description was last changed, UTC"
    },
    {
      "name": "magnitude",
      "type": [
        "null",
        "double"
      ],
      "doc": "Magnitude on the scale of magnitude_type"
    },
    {
      "name": "magnitude_type",
      "type": [
        "null",
        "string"
      ],
      "doc": "Method of the magnitude, such as ml or mww"
    },
    {
      "name": "place",
      "type": [
        "null",
        "string"
      ],
      "doc": "Nearest named place, in words"
    },
    {
      "name": "longitude",
      "type": "double",
      "doc": "Longitude of the epicentre, degrees east"
    },
    {
      "name": "latitude",
      "type": "double",
      "doc": "Latitude of the epicentre, degrees north"
    },
    {
      "name": "depth_km",
      "type": "double",
      "doc": "Depth, kilometres below the surface"
    },
    {
      "name": "event_type",
      "type": "string",
      "doc": "Kind of event, such as earthquake or quarry blast"
    },
    {
      "name": "status",
      "type": "string",
      "doc": "automatic, reviewed or deleted"
    },
    {
      "name": "alert",
      "type": [
        "null",
        "string"
      ],
      "doc": "PAGER alert level: green, yellow, orange or red"
    },
    {
      "name": "tsunami",
      "type": "boolean",
      "doc": "Whether the event may have a tsunami message"
    },
    {
      "name": "significance",
      "type": "int",
      "doc": "Significance, 0 to about 1000"
    },
    {
      "name": "felt_reports",
      "type": [
        "null",
        "int"
      ],
      "doc": "Reports of people who felt it, count"
    },
    {
      "name": "reported_intensity",
      "type": [
        "null",
        "double"
      ],
      "doc": "Highest reported intensity, 0 to 10"
    },
    {
      "name": "estimated_intensity",
      "type": [
        "null",
        "double"
      ],
      "doc": "Highest estimated instrumental intensity, 0 to 10"
    },
    {
      "name": "stations",
      "type": [
        "null",
        "int"
      ],
      "doc": "Stations used for the location, count"
    },
    {
      "name": "nearest_station_degrees",
      "type": [
        "null",
        "double"
      ],
      "doc": "Distance to the nearest station, degrees"
    },
    {
      "name": "residual_seconds",
      "type": [
        "null",
        "double"
      ],
      "doc": "Root mean square travel time residual, seconds"
    },
    {
      "name": "gap_degrees",
      "type": [
        "null",
        "double"
      ],
      "doc": "Largest azimuthal gap between stations, degrees"
    },
    {
      "name": "network",
      "type": "string",
      "doc": "Network that gave the preferred data"
    },
    {
      "name": "sources",
      "type": {
        "type": "array",
        "items": "string"
      },
      "doc": "Networks that contributed"
    },
    {
      "name": "url",
      "type": "string",
      "doc": "Web page of the event"
    }
  ]
};

export const quality = 
  "# Ten rules. At the default threshold of 0.85 one odd value (0.9) is delivered, named in _failed_rules; two are quarantined.\n" +
  "Rules = [\n" +
  "  IsComplete \"magnitude\",\n" +
  "  ColumnValues \"magnitude\" between -3 and 10,\n" +
  "  IsComplete \"magnitude_type\",\n" +
  "  ColumnLength \"place\" > 0,\n" +
  "  ColumnValues \"longitude\" >= -180,\n" +
  "  ColumnValues \"longitude\" <= 180,\n" +
  "  ColumnValues \"latitude\" >= -90,\n" +
  "  ColumnValues \"latitude\" <= 90,\n" +
  "  ColumnValues \"depth_km\" between -10 and 800,   # the deepest known lie at about 750 km\n" +
  "  ColumnValues \"status\" != \"deleted\"\n" +
  "]\n";
