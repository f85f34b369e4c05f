"""What schemathesis is told of media types that it does not know: bytes, as they are."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
