// SPDX-License-Identifier: Apache-2.0
// P11Server.java - an HTTPS server with SunPKCS11: P11Server CONFIG PORT1 PORT2,
// order-1 and order-2; it ends after a minute.
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

public class P11Server {
    static class OneKey extends X509ExtendedKeyManager {
        final String alias;
        final PrivateKey key;
        final X509Certificate[] chain;

        OneKey(KeyStore store, String alias) throws Exception {
            this.alias = alias;
            this.key = (PrivateKey) store.getKey(alias, null);
            Certificate[] certs = store.getCertificateChain(alias);
            this.chain = new X509Certificate[certs.length];
            System.arraycopy(certs, 0, chain, 0, certs.length);
        }

        boolean fits(String type) {
            return type.startsWith("EC") == key.getAlgorithm().equals("EC");
        }

        public String[] getServerAliases(String type, Principal[] issuers) {
            return fits(type) ? new String[] {alias} : null;
        }

        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return fits(type) ? alias : null;
        }

        public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
            return fits(type) ? alias : null;
        }

        public String[] getClientAliases(String type, Principal[] issuers) {
            return null;
        }

        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            return null;
        }

        public X509Certificate[] getCertificateChain(String name) {
            return chain;
        }

        public PrivateKey getPrivateKey(String name) {
            return key;
        }
    }

    // What JCA asks for, each verified with the certificate by another provider.
    static void sign(Provider provider, OneKey one) throws Exception {
        String[] names = one.key.getAlgorithm().equals("EC")
            ? new String[] {"SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA", "NONEwithECDSA"}
            : new String[] {"SHA256withRSA", "SHA384withRSA", "SHA512withRSA", "RSASSA-PSS"};
        byte[] data = new byte[32];
        for (String name : names) {
            PSSParameterSpec pss = new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);
            Signature signer = Signature.getInstance(name, provider);
            signer.initSign(one.key);
            Signature verifier = Signature.getInstance(name);
            if (name.equals("RSASSA-PSS")) {
                signer.setParameter(pss);
                verifier.setParameter(pss);
            }
            signer.update(data);
            byte[] signature = signer.sign();
            verifier.initVerify(one.chain[0].getPublicKey());
            verifier.update(data);
            System.out.println((verifier.verify(signature) ? "signed " : "WRONG ") + name);
        }
    }

    public static void main(String[] args) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(provider);
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, null);
        SSLContext[] contexts = new SSLContext[args.length - 1];
        for (int i = 1; i < args.length; i++) {
            OneKey one = new OneKey(store, "order-" + i);
            sign(provider, one);
            System.out.println("chain " + one.chain.length);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(new KeyManager[] {one}, null, null);
            HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[i])), 0);
            server.setHttpsConfigurator(new HttpsConfigurator(context));
            server.createContext("/", exchange -> {
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            server.start();
        }
        System.out.println("ready");
        Thread.sleep(60000);
        System.exit(0);
    }
}
