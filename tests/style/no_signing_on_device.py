#!/usr/bin/env python3
"""A program of an appliance cannot sign: it must not import a function that signs or reads a private key.

Usage: no_signing_on_device.py BINARY...                     (exit 1 when one imports such a function)
       no_signing_on_device.py --self-test SIGNING_BINARY    (demands that it is found there)
"""
import re
import subprocess
import sys

SIGNING = re.compile(
    r"^(EVP_(DigestSign|Sign|PKEY_sign|PKEY_(Q_)?keygen|PKEY_generate|PKEY_new_raw_private|PKEY_new_mac"
    r"|PKEY_get_raw_private|PKCS82PKEY)"
    r"|PEM_(read|write)(_bio)?_(PrivateKey|PKCS8|RSAPrivateKey|DSAPrivateKey|ECPrivateKey)"
    r"|d2i_(Auto)?PrivateKey|i2d_PrivateKey|d2i_PKCS8|i2d_PKCS8"
    r"|(RSA|DSA|ECDSA)_(do_)?sign|RSA_private_encrypt|CMS_sign|PKCS7_sign|OSSL_DECODER_CTX_new_for_pkey"
    r"|crypto_sign($|_detached|_keypair|_seed_keypair)|gnutls_privkey_|gpgme_op_sign)")


def imports(binary):
    """Names of all dynamic symbols that the binary expects from elsewhere."""
    listed = subprocess.run(["readelf", "--dyn-syms", "--wide", binary], check=True,
                            capture_output=True, text=True).stdout
    names = {line.split()[7].split("@")[0] for line in listed.splitlines()
             if len(line.split()) > 7 and line.split()[6] == "UND"}
    if not names:
        sys.exit(f"{binary}: imports nothing at all: it is linked statically or is no program, so "
                 "this test can say nothing about it")
    return names


def findings(binary):
    return sorted(name for name in imports(binary) if SIGNING.match(name))


def self_test(binary):
    found = findings(binary)
    wanted = ["EVP_DigestSign", "EVP_PKEY_Q_keygen", "PEM_read_bio_PrivateKey",
              "PEM_write_bio_PKCS8PrivateKey"]
    missed = [name for name in wanted if name not in found]
    harmless = ["EVP_DigestVerify", "EVP_DigestVerifyInit", "EVP_PKEY_new_raw_public_key",
                "EVP_DigestUpdate", "PEM_read_bio_X509", "SignalHandler"]
    alarms = [name for name in harmless if SIGNING.match(name)]
    for name in missed:
        print(f"self-test: {name} was not found in {binary}")
    for name in alarms:
        print(f"self-test: false alarm: {name}")
    print(f"self-test: {len(found)} signing functions found in {binary}")
    return 1 if missed or alarms else 0


def main():
    if sys.argv[1:2] == ["--self-test"] and len(sys.argv) == 3:
        return self_test(sys.argv[2])
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    status = 0
    for binary in sys.argv[1:]:
        for name in findings(binary):
            print(f"{binary}: imports {name}: signing belongs to release/, which no program of an "
                  "appliance links; remove the dependency")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
